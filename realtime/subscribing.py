"""One connection on one channel: whether it may, and the seam between what was and what is said."""

from typing import TYPE_CHECKING

from realtime import channels
from realtime.channels import Closed, Kind, Leave
from realtime.feeds import Feed
from realtime.frames import Ack
from realtime.hub import Message
from realtime.hub_consumer import MOST_WAITING, MOST_WAITING_BYTES
from realtime.protocol import Subscribe

if TYPE_CHECKING:
    from realtime.connections import Connection

MOST_CHANNELS = 100
MOST_REPLAYED = 10_000
"""Who missed more of a channel fetches anew: `recovered: false`."""


class RefusedError(Exception):
    """The same for a channel that is forbidden and for one that is not there."""

    code = "forbidden"
    detail = "There is no such channel, or none that you may join."


class TooManyChannelsError(RefusedError):
    code = "too_many_channels"
    detail = f"One connection joins up to {MOST_CHANNELS} channels."


class ClosedError(RefusedError):
    """A channel that is there for the person, and not now."""

    def __init__(self, why: Closed) -> None:
        super().__init__(why.detail)
        self.code, self.detail = why.code, why.detail


FORBIDDEN = Closed(RefusedError.code, RefusedError.detail)


class Subscription:
    """Passes messages on, or holds them back while what was missed is sent first."""

    def __init__(self, connection: "Connection", name: str, kind: Kind, key: str) -> None:
        self.connection, self.name, self.kind, self.key = connection, name, kind, key
        self.feed: Feed
        self.leave = Leave()
        self._held: list[Message] | None = None
        self._is_over = False
        self._held_bytes = 0

    @property
    def stream(self) -> str:
        return channels.stream_for(self.kind, self.name, self.connection.person.user_id)

    async def refusal(self) -> Closed | None:
        """Return why the person may not listen, now; None: they may."""
        found = await self.kind.may_join(self.connection.person, self.key)
        if not isinstance(found, Leave):
            return found or FORBIDDEN
        self.leave = found
        return None

    async def is_allowed(self) -> bool:
        return await self.refusal() is None

    async def join(self) -> None:
        board = self.connection.board
        self.feed = await board.feeds.join(self.stream, self, self.hear)
        if self.kind.has_presence:
            board.presence.join(self.stream, str(self.connection.person.user_id))

    @property
    def may_watch(self) -> bool:
        """Tell whether the person may know who else is here."""
        return self.kind.has_presence and self.leave.sees_people

    def put(self, message: Message) -> None:
        """Send something that is no message of the stream, when its turn comes."""
        self.connection.line.put(message)

    def hear(self, message: Message) -> None:
        if self._is_over or self._is_hidden(message):
            return
        if self._held is not None:
            self._hold(self._held, message)
        else:
            self.connection.line.put(message)

    def _hold(self, held: list[Message], message: Message) -> None:
        held.append(message)
        self._held_bytes += len(message.get("text", ""))
        if len(held) > MOST_WAITING or self._held_bytes > MOST_WAITING_BYTES:
            held.clear()
            self.connection.fell_behind()

    async def begin(self, said: Subscribe) -> None:
        """Acknowledge, and send what was missed before anything new."""
        feed, asked = self.feed, self._heard_up_to(said.since)
        if asked is not None and asked > feed.offset:  # or are we behind?
            await self.connection.board.feeds.look_again(feed)
        offset, after = feed.offset, self._recoverable(asked)
        missed: list[Message] | None = None
        self._held, self._held_bytes = [], 0
        try:
            if after is not None:
                missed = await feed.history(after, offset, since=self.leave.since)
            after = None if missed is None else after
            ack = Ack(
                ref=said.ref,
                channel=self.name,
                epoch=feed.epoch,
                offset=offset,
                recovered=None if said.since is None else missed is not None,
            )
            await self._say_in_line(self._in_line(ack, after), missed or [])
        finally:
            held, self._held = self._held, None
            for message in held:
                self.hear(message)

    def _in_line(self, ack: Ack, after: int | None) -> Message:
        """Return the answer as a message; `place` is where what follows it begins."""
        return {
            "type": "stream.said",
            "kind": ack.kind,
            "channel": self.name,
            "place": f"{ack.epoch}:{ack.offset if after is None else after}",
            "text": ack.encoded(),
        }

    async def _say_in_line(self, answer: Message, missed: list[Message]) -> None:
        """Send the answer and what was missed at the reader's pace; what is said now is held back.

        All in line: what was said before, and waits, must not come between.
        """
        line = self.connection.line
        for message in [answer, *missed]:
            if message is not answer and (self._is_over or self._is_hidden(message)):
                continue
            line.put(message)
            if line.waiting:
                await line.rest()

    def _is_hidden(self, message: Message) -> bool:
        hidden = self.leave.without
        return bool(hidden) and message.get("event", "").partition(".")[0] in hidden

    def _heard_up_to(self, since: str | None) -> int | None:
        """Return the offset that the client tells; None: it tells none of this epoch."""
        epoch, _, number = (since or "").partition(":")
        if epoch != self.feed.epoch or not number.isascii() or not number.isdigit():
            return None
        return int(number[:19])

    def _recoverable(self, asked: int | None) -> int | None:
        """Return the offset to replay from; None: there is no way, or none was asked for."""
        oldest = max(self.feed.trimmed, self.feed.offset - MOST_REPLAYED)
        return asked if asked is not None and oldest <= asked <= self.feed.offset else None

    async def end(self, *, is_lost: bool = False) -> None:
        """Hear nothing any more, not even what waits to be sent; `is_lost`: for lack of rights."""
        if self._is_over:
            return
        self._is_over = True
        board = self.connection.board
        if self.kind.has_presence:
            board.presence.leave(self, at_once=is_lost)
        self.connection.line.drop(lambda message: message.get("stream") == self.stream)
        await board.feeds.leave(self.stream, self)


async def subscribe(connection: "Connection", name: str) -> Subscription:
    """Return a subscription that hears everything from now on. Raises RefusedError.

    The connection knows of it before its rights are looked at for the second time: a notice that
    they are gone came either before that look, or finds it.
    """
    found = channels.split(name)
    if found is None:
        raise RefusedError
    if len(connection.subscriptions) >= MOST_CHANNELS:
        raise TooManyChannelsError
    subscription = Subscription(connection, name, *found)
    await _require_leave(subscription)
    await subscription.join()
    connection.subscriptions[name] = subscription
    try:
        await _require_leave(subscription)
        if connection.subscriptions.get(name) is not subscription:  # a notice ended it meanwhile
            raise RefusedError
    except Exception as error:
        connection.subscriptions.pop(name, None)
        await subscription.end(is_lost=isinstance(error, RefusedError))
        raise
    return subscription


async def _require_leave(subscription: Subscription) -> None:
    refusal = await subscription.refusal()
    if refusal is not None:
        raise ClosedError(refusal)
