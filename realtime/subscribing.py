"""One connection on one channel: whether it may, and the seam between what was and what is said."""

from typing import TYPE_CHECKING

from realtime import channels
from realtime.channels import Kind, Leave
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


class Subscription:
    """Passes messages on, or holds them back while what was missed is sent first."""

    def __init__(self, connection: "Connection", name: str, kind: Kind, key: str) -> None:
        self.connection, self.name, self.kind, self.key = connection, name, kind, key
        self.feed: Feed
        self.leave = Leave()
        self._held: list[Message] | None = None
        self._held_bytes = 0

    @property
    def stream(self) -> str:
        own = str(self.connection.person.user_id)
        return f"user:{own}" if self.kind.name == "user" else self.name

    async def is_allowed(self) -> bool:
        leave = await self.kind.may_join(self.connection.person, self.key)
        if leave is None:
            return False
        self.leave = leave
        return True

    async def join(self) -> None:
        self.feed = await self.connection.board.feeds.join(self.stream, self, self.hear)

    def hear(self, message: Message) -> None:
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
        feed = self.feed
        offset, after = feed.offset, self._recoverable(said.since)
        missed: list[Message] | None = None
        self._held, self._held_bytes = [], 0
        try:
            if after is not None:
                missed = await feed.history(after, offset, since=self.leave.since)
            ack = Ack(
                ref=said.ref,
                channel=self.name,
                epoch=feed.epoch,
                offset=offset,
                recovered=None if said.since is None else missed is not None,
            )
            await self._say_in_line(ack, missed or [])
        finally:
            held, self._held = self._held, None
            for message in held:
                self.connection.line.put(message)

    async def _say_in_line(self, ack: Ack, missed: list[Message]) -> None:
        """Send the answer and what was missed at the reader's pace; what is said now is held back.

        All in line: what was said before, and waits, must not come between.
        """
        line = self.connection.line
        for message in [{"type": "stream.said", "text": ack.encoded()}, *missed]:
            line.put(message)
            if line.waiting:
                await line.rest()

    def _recoverable(self, since: str | None) -> int | None:
        """Return the offset to replay from; None: there is no way, or none was asked for."""
        epoch, _, number = (since or "").partition(":")
        if epoch != self.feed.epoch or not number.isascii() or not number.isdigit():
            return None
        after = int(number[:19])
        oldest = max(self.feed.trimmed, self.feed.offset - MOST_REPLAYED)
        return after if oldest <= after <= self.feed.offset else None

    async def end(self) -> None:
        await self.connection.board.feeds.leave(self.stream, self)


async def subscribe(connection: "Connection", name: str) -> Subscription:
    """Return a subscription that hears everything from now on. Raises RefusedError."""
    found = channels.split(name)
    if found is None:
        raise RefusedError
    if len(connection.subscriptions) >= MOST_CHANNELS:
        raise TooManyChannelsError
    subscription = Subscription(connection, name, *found)
    if not await subscription.is_allowed():
        raise RefusedError
    await subscription.join()
    if not await subscription.is_allowed():  # lost while joining: the notice came too early
        await subscription.end()
        raise RefusedError
    return subscription
