"""What one process knows of the streams that somebody here listens to.

A feed joins its stream's group once, whatever the number of its listeners. Messages come by Redis,
which may lose some or bring one twice; the offsets tell. A gap is filled from the database, once
for all listeners, before anything behind it is passed on: every listener gets each message once
and in order, or learns that history does not reach back so far.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from core.redis import StoreUnavailableError
from realtime import delivery
from realtime.batches import Batch, in_thread
from realtime.hub import Message
from realtime.layer import HubChannelLayer
from realtime.models import Stream, StreamMessage
from realtime.repositories import Position

log = structlog.get_logger(__name__)

Listener = Callable[[Message], None]

RECENT = 256
"""Messages that a feed keeps in memory for clients who come back."""
MOST_READ = 12_000
"""Messages read of one stream for those who come back: more than any of them may ask for, because
it goes on while they come."""
CHUNK = 500
"""Messages read at once while filling a gap."""


class Feed:
    """One stream in one process. Belongs to an event loop."""

    __slots__ = (
        "_catching_up", "_target", "channel", "early", "epoch", "listeners", "name", "offset",
        "opening", "recent", "trimmed",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.channel = ""
        self.epoch = ""
        self.offset = 0
        self.trimmed = 0
        self.listeners: dict[object, Listener] = {}
        self.recent: deque[Message] = deque(maxlen=RECENT)
        self.early: list[Message] = []
        """What came before the position was known."""
        self.opening: asyncio.Task[None] | None = None
        self._target = 0
        self._catching_up: asyncio.Task[None] | None = None

    def arrived(self, message: Message) -> None:
        if self.opening is not None:
            self.early.append(message)
            return
        offset = message["offset"]
        if message["epoch"] != self.epoch or offset <= self.offset:
            return
        if offset == self.offset + 1 and self._catching_up is None:
            self.pass_on(message)
        else:
            self.catch_up(offset)

    def pass_on(self, message: Message) -> None:
        self.offset = message["offset"]
        self.recent.append(message)
        for listener in list(self.listeners.values()):
            listener(message)

    def catch_up(self, target: int) -> None:
        """Pass on everything up to an offset that we have learned of."""
        self._target = max(self._target, target)
        if self._catching_up is None and self._target > self.offset:
            self._catching_up = asyncio.create_task(self._fill())

    async def caught_up(self) -> None:
        """Return when nothing is being read any more that was said before."""
        if self._catching_up is not None:
            await asyncio.shield(self._catching_up)

    async def _fill(self) -> None:
        try:
            while self.offset < self._target:
                found = await in_thread(_read, self.name, self.offset, CHUNK)
                if found and found[0]["offset"] > self.offset + 1:
                    self._tell_of_loss()
                for message in found:
                    self.pass_on(message)
                if not found:
                    break
        except Exception:
            log.exception("realtime.gap_not_filled", stream=self.name)  # the next look tries again
        finally:
            self._catching_up = None

    def _tell_of_loss(self) -> None:
        """History was deleted before we came to it: every listener has to begin anew."""
        for listener in list(self.listeners.values()):
            listener({"type": "stream.lost"})

    async def history(
        self, after: int, upto: int, *, since: datetime | None
    ) -> list[Message] | None:
        """Return what was said behind one offset up to another, and not before a moment.

        None: not all of it is kept. What this process knows of the beginning of history may be old,
        so it is what the database returned that tells.
        """
        if self.recent and self.recent[0]["offset"] <= after + 1:
            found = [m for m in self.recent if after < m["offset"] <= upto]
        else:
            found = [
                m for m in await _histories.get((self.name, after)) or [] if m["offset"] <= upto
            ]
        if [m["offset"] for m in found] != list(range(after + 1, upto + 1)):
            self.trimmed = max(self.trimmed, found[0]["offset"] - 1 if found else upto)
            return None
        return [m for m in found if since is None or m["at"] >= since.timestamp()]


def _read(name: str, after: int, most: int) -> list[Message]:
    return delivery.messages_of(StreamMessage.objects.on(name, after=after, most=most))


def _read_histories(asked: Any) -> dict[tuple[str, int], list[Message]]:
    """Read each stream once, from where the one who missed most begins."""
    furthest: dict[str, int] = {}
    for name, after in asked:
        furthest[name] = min(after, furthest.get(name, after))
    read = {name: _read(name, after, MOST_READ) for name, after in furthest.items()}
    return {(name, after): [m for m in read[name] if m["offset"] > after] for name, after in asked}


_histories: Batch[tuple[str, int], list[Message]] = Batch(_read_histories)


class Feeds:
    """The feeds of one event loop."""

    def __init__(self, layer: HubChannelLayer) -> None:
        self.open: dict[str, Feed] = {}
        self._layer = layer
        self._positions: Batch[str, Position] = Batch(positions)

    async def join(self, name: str, key: object, listener: Listener) -> Feed:
        """Have a listener told of everything behind the feed's offset at the return.

        Raises StoreUnavailableError, and what the database raises.
        """
        feed = self.open.get(name)
        if feed is None:
            feed = self.open[name] = Feed(name)
            feed.opening = asyncio.create_task(self._begin(feed))
        if feed.opening is not None:
            try:
                await asyncio.shield(feed.opening)
            except Exception:
                self._forget(name, feed)
                raise
        else:  # again, which is nothing unless Redis is away: then nobody new is let in
            await self._layer.group_add(delivery.group_of(name), feed.channel)
            if self.open.get(name) is not feed:  # its last listener has left meanwhile
                return await self.join(name, key, listener)
        feed.listeners[key] = listener
        return feed

    async def look_again(self, feed: Feed) -> None:
        """Pass on what was said and Redis has not told of yet, perhaps because it was away."""
        position = await self._positions.get(feed.name)
        if position is not None and position.epoch == feed.epoch:
            feed.catch_up(position.offset)
            await feed.caught_up()

    async def leave(self, name: str, key: object) -> None:
        feed = self.open.get(name)
        if feed is None:
            return
        feed.listeners.pop(key, None)
        if not feed.listeners and feed.opening is None:
            self.open.pop(name, None)
            self._layer.detach(feed.channel)
            await self._layer.group_discard(delivery.group_of(name), feed.channel)

    def _forget(self, name: str, feed: Feed) -> None:
        """Let a feed go that could not begin; the next to join tries anew."""
        if self.open.get(name) is feed:
            del self.open[name]
            self._layer.detach(feed.channel)

    async def _begin(self, feed: Feed) -> None:
        feed.channel = await self._layer.new_channel()
        self._layer.attach(feed.channel, feed.arrived)
        # First the group, then the position: what is said in between comes twice, and never not.
        await self._layer.group_add(delivery.group_of(feed.name), feed.channel)
        position = await self._positions.get(feed.name)
        if position is None:
            raise StoreUnavailableError("the stream has no position")
        feed.epoch, feed.offset, feed.trimmed = position.epoch, position.offset, position.trimmed
        feed.opening, early, feed.early = None, feed.early, []
        for message in early:
            feed.arrived(message)


def positions(names: Any) -> dict[str, Position]:
    """Return where streams are; one that is not there yet begins here, so that it has an epoch."""
    found = Stream.objects.positions(names)
    missing = [name for name in names if name not in found]
    if missing:
        Stream.objects.begin(missing)
        found |= Stream.objects.positions(missing)
    return found
