"""The members of groups in one event loop, and the subscriptions that feed them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from typing import Any
from uuid import uuid4

import msgpack
import structlog
from channels.exceptions import ChannelFull

from core.redis import KEY_PREFIX, Store, StoreUnavailableError
from realtime.subscriptions import Subscriptions

log = structlog.get_logger(__name__)

Message = dict[str, Any]
Sink = Callable[[Message], None]

GROUP, CHANNEL = f"{KEY_PREFIX}group:", f"{KEY_PREFIX}channel:"
FORGET_SECONDS = 60.0


class Hub:
    """A channel has a sink, a function that takes its messages, or a mailbox to receive from."""

    def __init__(
        self, stores: Sequence[Store], index: Callable[[str], int], *, capacity: int
    ) -> None:
        self.process = uuid4().hex[:12]
        self.members: dict[str, dict[str, Sink]] = {}
        """By group, then by channel."""
        self.sinks: dict[str, Sink] = {}
        self.mailboxes: dict[str, asyncio.Queue[Message]] = {}
        self.lost = 0
        """Messages that found a full mailbox."""
        self._capacity = capacity
        self._index = index
        self._subscriptions = [Subscriptions(store, self._arrived) for store in stores]
        self._inboxes: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, asyncio.TimerHandle] = {}
        self._joined: defaultdict[str, set[str]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- Channels ----------------------------------------------------------------------------------

    def new_channel(self, prefix: str) -> str:
        channel = f"{prefix}.{self.process}!{uuid4().hex}"
        self.mailbox(channel)  # what comes before somebody receives is kept
        return channel

    def owns(self, channel: str) -> bool:
        return f".{self.process}!" in channel

    def mailbox(self, channel: str) -> "asyncio.Queue[Message]":
        if ending := self._ending.pop(channel, None):
            ending.cancel()
        if channel not in self.mailboxes:
            self.mailboxes[channel] = asyncio.Queue(self._capacity)
        return self.mailboxes[channel]

    def attach(self, channel: str, sink: Sink) -> None:
        self.mailboxes.pop(channel, None)
        self.sinks[channel] = sink

    def put(self, channel: str, message: Message) -> None:
        """Hand a message to a channel. Raises ChannelFull; one that has ended gets nothing."""
        if sink := self.sinks.get(channel):
            sink(message)
        elif (mailbox := self.mailboxes.get(channel)) is not None:
            try:
                mailbox.put_nowait(message)
            except asyncio.QueueFull:
                raise ChannelFull from None

    def forget(self, channel: str) -> None:
        """Have a channel gone, and out of its groups."""
        self._ending.pop(channel, None)
        self.sinks.pop(channel, None)
        self.mailboxes.pop(channel, None)
        for group in list(self._joined.get(channel, ())):
            task = asyncio.create_task(self.part(group, channel))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def forget_later(self, channel: str) -> None:
        later = asyncio.get_running_loop().call_later(FORGET_SECONDS, self.forget, channel)
        self._ending[channel] = later

    async def can_be_sent_to(self, inbox: str) -> None:
        """Return once messages to the channels of this inbox arrive; without Redis, later."""
        task = self._inboxes.get(inbox)
        if task is None:
            task = self._inboxes[inbox] = asyncio.create_task(self._open(inbox))
        await asyncio.shield(task)

    async def _open(self, inbox: str) -> None:
        with suppress(StoreUnavailableError):  # it is subscribed to when Redis is back
            await self.listen(inbox)

    # -- Groups ------------------------------------------------------------------------------------

    def join(self, group: str, channel: str) -> None:
        if channel not in self.sinks:
            self.mailbox(channel)
        sink = self.sinks.get(channel) or partial(self._drop_into, channel)
        self.members.setdefault(group, {})[channel] = sink
        self._joined[channel].add(group)

    async def part(self, group: str, channel: str) -> None:
        members = self.members.get(group, {})
        members.pop(channel, None)
        self._joined[channel].discard(group)
        if not self._joined[channel]:
            del self._joined[channel]
        if not members:
            self.members.pop(group, None)
            await self._subscriptions[self._index(group)].drop(group)

    async def listen(self, key: str) -> None:
        await self._subscriptions[self._index(key)].add(key)

    # -- What arrives ------------------------------------------------------------------------------

    def _arrived(self, key: str, payload: bytes) -> None:
        try:
            message = msgpack.unpackb(payload)  # type: ignore[no-untyped-call,attr-defined]
            if key.startswith(CHANNEL):
                self._drop_into(*message)
                return
        except Exception:  # whoever published this must not end what reads for everybody
            log.exception("realtime.message_unreadable", key=key)
            return
        for sink in list(self.members.get(key, {}).values()):
            try:
                sink(message)
            except Exception:
                log.exception("realtime.sink_failed", key=key)

    def _drop_into(self, channel: str, message: Message) -> None:
        """Hand over a message of Redis, which nobody waits to hear was too much."""
        try:
            self.put(channel, deepcopy(message))  # a consumer may change what it gets
        except ChannelFull:
            self.lost += 1
            if self.lost.bit_count() == 1:  # 1, 2, 4, 8…: the log tells, and is not flooded
                log.warning("realtime.mailbox_full", channel=channel, lost=self.lost)
