"""One connection on one channel: whether it may, and the seam between what was and what is said."""

from typing import TYPE_CHECKING

from realtime import channels
from realtime.channels import Kind, Leave
from realtime.feeds import Feed
from realtime.frames import Ack
from realtime.hub import Message
from realtime.protocol import Subscribe

if TYPE_CHECKING:
    from realtime.connections import Connection

MOST_CHANNELS = 100


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
            self._held.append(message)
        else:
            self.connection.line.put(message)

    async def begin(self, said: Subscribe) -> None:
        """Acknowledge, and send what was missed before anything new."""
        feed, after = self.feed, self._heard_up_to(said.since)
        if after is not None and after > feed.offset:  # or are we behind?
            await self.connection.board.feeds.look_again(feed)
        offset = feed.offset
        if after is not None and not feed.trimmed <= after <= offset:
            after = None
        missed: list[Message] = []
        self._held = []
        if after is not None:
            missed = await feed.history(after, offset, since=self.leave.since)
        ack = Ack(
            ref=said.ref,
            channel=self.name,
            epoch=feed.epoch,
            offset=offset,
            recovered=None if said.since is None else after is not None,
        )
        held, self._held = self._held, None
        # In line too: what was said before it, and waits, must not come between it and the replay.
        for message in [{"type": "stream.said", "text": ack.encoded()}, *missed, *held]:
            self.connection.line.put(message)

    def _heard_up_to(self, since: str | None) -> int | None:
        """Return the offset that the client tells; None: it tells none of this epoch."""
        epoch, _, number = (since or "").partition(":")
        if epoch != self.feed.epoch or not number.isascii() or not number.isdigit():
            return None
        return int(number[:19])

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
