"""The channel layer: every Channels user's group_add and group_send, at a twelfth of the price.

The stock layers wake a task, hop to a thread and encode anew for every message and socket. Here a
process subscribes once to each group that has a member in it, decodes a message once, and hands it
to each member's consumer in place (realtime/dispatch.py). docs/explanation/realtime.md has figures.

A group lives in this process's memory for as long as it has members: nothing expires, and what
a message costs does not depend on how many groups there are.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4
from zlib import crc32

import msgpack
import structlog
from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer
from django.conf import settings

from core.redis import KEY_PREFIX, Client, Store
from realtime.subscriptions import Subscriptions

log = structlog.get_logger(__name__)

Message = dict[str, Any]
Sink = Callable[[Message], None]

GROUP, CHANNEL = f"{KEY_PREFIX}group:", f"{KEY_PREFIX}channel:"


class HubChannelLayer(BaseChannelLayer):
    """Settings: CHANNEL_LAYERS = {"default": {"BACKEND": …, "CONFIG": {"hosts": [url, …]}}}.

    With several hosts each group lives on one of them, by the hash of its name.
    """

    extensions = ["groups", "flush"]

    def __init__(self, hosts: Sequence[str] = (), capacity: int = 1000, **_: Any) -> None:
        super().__init__(capacity=capacity)  # type: ignore[no-untyped-call]
        self._stores = [Store(url) for url in hosts or [settings.REDIS_URL]]
        self._hubs: dict[asyncio.AbstractEventLoop, Hub] = {}

    # -- What Channels calls -----------------------------------------------------------------------

    async def new_channel(self, prefix: str = "specific") -> str:
        return f"{prefix}.{self.hub().process}!{uuid4().hex}"

    async def send(self, channel: str, message: Message) -> None:
        """Send to one consumer, in whatever process. Raises ChannelFull for a local one behind."""
        self.require_valid_channel_name(channel)  # type: ignore[no-untyped-call]
        hub = self.hub()
        if channel.startswith(f"specific.{hub.process}!"):
            hub.put(channel, message)
            return
        name = channel.partition("!")[0]
        await self._publish(CHANNEL + name, [channel, message])

    async def receive(self, channel: str) -> Message:
        """Wait for a message to a channel of this process, for consumers that are not ours."""
        hub = self.hub()
        await hub.listen(CHANNEL + channel.partition("!")[0])
        return await hub.mailbox(channel).get()

    async def group_add(self, group: str, channel: str) -> None:
        """Return once the group's messages of from now on reach the channel."""
        self.require_valid_group_name(group)  # type: ignore[no-untyped-call]
        hub = self.hub()
        hub.members.setdefault(GROUP + group, {})[channel] = hub.sink(channel)
        await hub.listen(GROUP + group)

    async def group_discard(self, group: str, channel: str) -> None:
        hub = self.hub()
        members = hub.members.get(GROUP + group, {})
        members.pop(channel, None)
        if not members:
            hub.members.pop(GROUP + group, None)
            await hub.leave(GROUP + group)

    async def group_send(self, group: str, message: Message) -> None:
        """Publish to every member in every process. Raises StoreUnavailableError."""
        self.require_valid_group_name(group)  # type: ignore[no-untyped-call]
        await self._publish(GROUP + group, message)

    async def flush(self) -> None:
        self.hub().members.clear()

    # -- What is ours ------------------------------------------------------------------------------

    def send_many(self, messages: Sequence[tuple[str, Message]]) -> None:
        """Publish to groups, in order, from synchronous code. Raises StoreUnavailableError."""
        by_host: dict[int, list[tuple[str, bytes]]] = {}
        for group, message in messages:
            key = GROUP + group
            by_host.setdefault(self._store_index(key), []).append((key, _packed(message)))
        for index, packed in by_host.items():
            self._stores[index].call(partial(_publish_all, packed=packed))

    def attach(self, channel: str, sink: Sink) -> None:
        """Hand messages to this channel to a function, in place of a mailbox."""
        self.hub().sinks[channel] = sink

    def detach(self, channel: str) -> None:
        hub = self.hub()
        hub.sinks.pop(channel, None)
        hub.mailboxes.pop(channel, None)

    def hub(self) -> "Hub":
        """Return this event loop's members and subscriptions."""
        loop = asyncio.get_running_loop()
        found = self._hubs.get(loop)
        if found is None:
            self._hubs = {known: hub for known, hub in self._hubs.items() if not known.is_closed()}
            found = self._hubs[loop] = Hub(self._stores, self._store_index, capacity=self.capacity)
        return found

    async def _publish(self, key: str, message: Any) -> None:
        payload = _packed(message)
        await self._store(key).acall(lambda client: client.publish(key, payload))

    def _store(self, key: str) -> Store:
        return self._stores[self._store_index(key)]

    def _store_index(self, key: str) -> int:
        return crc32(key.encode()) % len(self._stores) if len(self._stores) > 1 else 0


class Hub:
    """The members of groups in one event loop, and the subscriptions that feed them."""

    def __init__(
        self, stores: Sequence[Store], index: Callable[[str], int], *, capacity: int
    ) -> None:
        self.process = uuid4().hex[:12]
        self.members: dict[str, dict[str, Sink]] = {}
        self.sinks: dict[str, Sink] = {}
        self.mailboxes: dict[str, asyncio.Queue[Message]] = {}
        self.lost = 0
        """Messages that found a full mailbox."""
        self._capacity = capacity
        self._index = index
        self._subscriptions = [Subscriptions(store, self._arrived) for store in stores]

    def sink(self, channel: str) -> Sink:
        found = self.sinks.get(channel)
        return found or (lambda message: self._drop_into(channel, message))

    def mailbox(self, channel: str) -> "asyncio.Queue[Message]":
        if channel not in self.mailboxes:
            self.mailboxes[channel] = asyncio.Queue(self._capacity)
        return self.mailboxes[channel]

    def put(self, channel: str, message: Message) -> None:
        sink = self.sinks.get(channel)
        if sink:
            sink(message)
            return
        try:
            self.mailbox(channel).put_nowait(message)
        except asyncio.QueueFull:
            raise ChannelFull from None

    async def listen(self, key: str) -> None:
        await self._subscriptions[self._index(key)].add(key)

    async def leave(self, key: str) -> None:
        await self._subscriptions[self._index(key)].drop(key)

    def _arrived(self, key: str, payload: bytes) -> None:
        message = msgpack.unpackb(payload)  # type: ignore[no-untyped-call,attr-defined]
        if key.startswith(CHANNEL):
            channel, inner = message
            self._drop_into(channel, inner)
            return
        for sink in list(self.members.get(key, {}).values()):
            sink(message)

    def _drop_into(self, channel: str, message: Message) -> None:
        try:
            self.put(channel, message)
        except ChannelFull:
            self.lost += 1
            log.warning("realtime.mailbox_full", channel=channel, lost=self.lost)


def _publish_all(client: Client, *, packed: Sequence[tuple[str, bytes]]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key, payload in packed:
            pipeline.publish(key, payload)
        pipeline.execute()


def _packed(message: Any) -> bytes:
    packed: bytes = msgpack.packb(message)  # type: ignore[no-untyped-call]
    return packed
