"""The channel layer: every Channels user's group_add and group_send, at a twelfth of the price.

The stock layers wake a task, hop to a thread and encode anew for every message and socket. Here a
process subscribes once to each group that has a member in it, decodes a message once, and hands it
to each member's consumer in place (realtime/dispatch.py). docs/explanation/realtime.md has figures.

A group lives in this process's memory for as long as it has members: nothing expires, and what
a message costs does not depend on how many groups there are. A channel, too, lives in one process:
only there it joins groups, and a message to one that has ended is dropped. Names without a `!`, as
`runworker` knows them, are heard by every process that receives on them: work belongs to jobs.
"""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any
from zlib import crc32

import msgpack
from channels.layers import BaseChannelLayer
from django.conf import settings

from core.redis import Client, Store
from realtime.hub import CHANNEL, GROUP, Hub, Message, Sink


class HubChannelLayer(BaseChannelLayer):
    """Settings: CHANNEL_LAYERS = {"default": {"BACKEND": …, "CONFIG": {"hosts": [url, …]}}}.

    With several hosts each group lives on one of them, by the hash of its name.
    """

    extensions = ["groups", "flush"]

    def __init__(self, hosts: Sequence[str] = (), capacity: int = 1000, **_: Any) -> None:
        super().__init__(capacity=capacity)  # type: ignore[no-untyped-call]
        self._stores = [Store(url) for url in hosts or [settings.REDIS_URL]]
        self._hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
        self._lock = threading.Lock()

    # -- What Channels calls -----------------------------------------------------------------------

    async def new_channel(self, prefix: str = "specific") -> str:
        hub = self.hub()
        channel = hub.new_channel(prefix)
        await hub.can_be_sent_to(_inbox(channel))
        return channel

    async def send(self, channel: str, message: Message) -> None:
        """Send to one consumer, in whatever process.

        Raises ChannelFull for one of this process that is behind, and StoreUnavailableError.
        """
        self.require_valid_channel_name(channel)  # type: ignore[no-untyped-call]
        hub = self.hub()
        if hub.owns(channel):
            hub.put(channel, _copy(message))
        else:
            await self._publish(_inbox(channel), [channel, message])

    async def receive(self, channel: str) -> Message:
        """Wait for a message to a channel of this process, for consumers that are not ours.

        Channels gives up waiting when a consumer has ended: a channel that nobody waits on for
        FORGET_SECONDS after that leaves its groups.
        """
        hub = self.hub()
        mailbox = hub.mailbox(channel)
        await hub.can_be_sent_to(_inbox(channel))
        try:
            return await mailbox.get()
        except asyncio.CancelledError:
            hub.forget_later(channel)
            raise

    async def group_add(self, group: str, channel: str) -> None:
        """Return once the group's messages of from now on reach the channel.

        Raises StoreUnavailableError, and ValueError for a channel of another process.
        """
        self.require_valid_group_name(group)  # type: ignore[no-untyped-call]
        self.require_valid_channel_name(channel)  # type: ignore[no-untyped-call]
        hub = self.hub()
        if "!" in channel and not hub.owns(channel):
            raise ValueError(f"{channel} lives in another process, and joins groups only there")
        hub.join(GROUP + group, channel)
        await hub.listen(GROUP + group)

    async def group_discard(self, group: str, channel: str) -> None:
        await self.hub().part(GROUP + group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        """Publish to every member in every process. Raises StoreUnavailableError."""
        self.require_valid_group_name(group)  # type: ignore[no-untyped-call]
        await self._publish(GROUP + group, message)

    async def flush(self) -> None:
        """Forget the groups and the messages of this event loop."""
        hub = self.hub()
        hub.mailboxes.clear()
        for group, members in list(hub.members.items()):
            for channel in list(members):
                await hub.part(group, channel)

    # -- What is ours ------------------------------------------------------------------------------

    def send_many(self, messages: Sequence[tuple[str, Message]]) -> None:
        """Publish to groups, in order, from synchronous code. Raises StoreUnavailableError."""
        by_host: dict[int, list[tuple[str, bytes]]] = {}
        for group, message in messages:
            key = GROUP + group
            by_host.setdefault(self._store_index(key), []).append((key, _packed(message)))
        for index, packed in by_host.items():
            store = self._stores[index]
            store.call(partial(_publish_all, scope=store.scope, packed=packed))

    def listeners(self, group: str) -> int:
        """Return how many processes have a member of a group. Raises StoreUnavailableError."""
        key = GROUP + group
        store = self._store(key)
        found: Any = store.call(lambda client: client.pubsub_numsub(store.scope + key))
        return int(found[0][1])

    def attach(self, channel: str, sink: Sink) -> None:
        """Hand messages to this channel to a function, in place of a mailbox."""
        self.hub().attach(channel, sink)

    def detach(self, channel: str) -> None:
        """Forget a channel; it leaves its groups."""
        self.hub().forget(channel)

    def hub(self) -> "Hub":
        """Return this event loop's members and subscriptions."""
        loop = asyncio.get_running_loop()
        return self._hubs.get(loop) or self._begin(loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "Hub":
        made = Hub(self._stores, self._store_index, capacity=self.capacity)
        with self._lock:  # each thread of synchronous code may have a loop of its own
            alive = {known: hub for known, hub in self._hubs.items() if not known.is_closed()}
            self._hubs = {**alive, loop: made}
        return made

    async def _publish(self, key: str, message: Any) -> None:
        payload = _packed(message)
        store = self._store(key)
        await store.acall(lambda client: client.publish(store.scope + key, payload))

    def _store(self, key: str) -> Store:
        return self._stores[self._store_index(key)]

    def _store_index(self, key: str) -> int:
        return crc32(key.encode()) % len(self._stores) if len(self._stores) > 1 else 0


def _inbox(channel: str) -> str:
    """Return what a process subscribes to for its own channels."""
    return CHANNEL + channel.partition("!")[0]


def _publish_all(client: Client, *, scope: str, packed: Sequence[tuple[str, bytes]]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key, payload in packed:
            pipeline.publish(scope + key, payload)
        pipeline.execute()


def _copy(message: Message) -> Message:
    """Return what would have arrived by Redis: a consumer may change what it gets."""
    copied: Message = msgpack.unpackb(_packed(message))  # type: ignore[no-untyped-call,attr-defined]
    return copied


def _packed(message: Any) -> bytes:
    packed: bytes = msgpack.packb(message)  # type: ignore[no-untyped-call]
    return packed
