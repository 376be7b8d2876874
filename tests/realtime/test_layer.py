"""The channel layer does what every Channels user knows, between processes and from anywhere."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

from core import redis
from core.embedded.state import free_port
from core.embedded.valkey import Valkey
from realtime import hub
from realtime.layer import HubChannelLayer
from tests.core import conftest

private_valkey = conftest.private_valkey
ROOT = Path(__file__).parents[2]
LAYERS: list[HubChannelLayer] = []
"""Those of the running test: a layer lives as long as its process."""
HELLO = {"type": "chat.said", "text": "hello", "bytes": b"\x00", "deep": {"n": [1, None]}}


@pytest.fixture(autouse=True)
def fresh_layer() -> Iterator[None]:
    """Each test has its own event loop, and the layer of the settings is made in it."""
    channel_layers.backends.clear()
    LAYERS.clear()
    yield
    channel_layers.backends.clear()


def another(**options: Any) -> HubChannelLayer:
    """Return a layer as another process has it."""
    LAYERS.append(HubChannelLayer([settings.REDIS_URL], **options))
    return LAYERS[-1]


async def heard(layer: HubChannelLayer, channel: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        return await layer.receive(channel)


async def nothing_more(layer: HubChannelLayer, *channels: str) -> None:
    """What is published behind everything else arrives first on these channels."""
    for channel in channels:
        await another().send(channel, {"type": "last"})
        assert (await heard(layer, channel))["type"] == "last"


async def test_a_group_is_one_over_all_processes() -> None:
    here, there = another(), another()
    first, second = await here.new_channel(), await there.new_channel()
    await here.group_add("chat", first)
    await there.group_add("chat", second)

    await here.group_send("chat", HELLO)
    assert await heard(here, first) == await heard(there, second) == HELLO

    await there.group_discard("chat", second)
    await another().group_send("chat", {"type": "again"})
    assert await heard(here, first) == {"type": "again"}
    await nothing_more(there, second)


async def test_adding_twice_is_one_delivery_and_discarding_a_stranger_is_nothing() -> None:
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)
    await here.group_add("chat", channel)
    await here.group_discard("chat", "specific.nobody!1")
    await here.group_discard("empty", channel)

    await here.group_send("chat", HELLO)

    assert await heard(here, channel) == HELLO
    await nothing_more(here, channel)


async def test_a_channel_is_reached_from_every_process() -> None:
    here, there = another(), another()
    channel = await here.new_channel()

    await there.send(channel, HELLO)
    await here.send(channel, {"type": "from here"})

    assert {(await heard(here, channel))["type"] for _ in range(2)} == {"chat.said", "from here"}
    with pytest.raises(ValueError, match="another process"):
        await there.group_add("chat", channel)


async def test_a_consumer_of_ours_is_reached_by_its_channel_name() -> None:
    """Its messages go to a function, and nobody ever calls `receive`."""
    here, arrived = another(), asyncio.Queue[Any]()
    channel = await here.new_channel()
    here.attach(channel, arrived.put_nowait)

    await another().send(channel, HELLO)

    assert await asyncio.wait_for(arrived.get(), 10) == HELLO
    here.detach(channel)
    await here.send(channel, HELLO)  # nobody is there any more, and nothing is kept
    assert channel not in here.hub().mailboxes


async def test_what_one_consumer_changes_the_others_do_not_see() -> None:
    here = another()
    channels = [await here.new_channel() for _ in range(2)]
    for channel in channels:
        await here.group_add("chat", channel)
    await here.group_send("chat", HELLO)

    first = await heard(here, channels[0])
    first["deep"]["n"].clear()

    assert await heard(here, channels[1]) == HELLO


async def test_a_full_mailbox_is_counted_and_told() -> None:  # RT 19
    here, there = another(capacity=3), another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)
    with structlog.testing.capture_logs() as logs:
        for number in range(8):
            await there.group_send("chat", {"type": "n", "number": number})
        await nothing_more(here, await here.new_channel())

    assert [(await heard(here, channel))["number"] for _ in range(3)] == [0, 1, 2]
    assert here.hub().lost == 5
    assert [log["lost"] for log in logs if log["event"] == "realtime.mailbox_full"] == [1, 2, 4]
    for _ in range(3):
        await here.send(channel, HELLO)
    with pytest.raises(ChannelFull):
        await here.send(channel, HELLO)


# Channels has no types.
Communicator: Any = WebsocketCommunicator


class Chat(AsyncJsonWebsocketConsumer):
    groups = ["chat"]

    async def chat_said(self, message: dict[str, Any]) -> None:
        said = {"text": message["text"], "name": self.channel_name}
        await self.send_json(said)  # type: ignore[no-untyped-call]


class SyncChat(JsonWebsocketConsumer):
    groups = ["chat"]

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        async_to_sync(self.channel_layer.group_send)("chat", {"type": "chat.said", "text": content})

    def chat_said(self, message: dict[str, Any]) -> None:
        said = {"text": message["text"], "name": self.channel_name}
        self.send_json(said)  # type: ignore[no-untyped-call]


@pytest.mark.django_db  # Channels looks at the connections of its threads
async def test_ordinary_consumers_work_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "FORGET_SECONDS", 0.0)
    plain = Communicator(cast("Any", Chat).as_asgi(), "/chat")
    threaded = Communicator(cast("Any", SyncChat).as_asgi(), "/chat")
    for each in (plain, threaded):
        assert (await each.connect(timeout=10))[0]

    await threaded.send_json_to("from a thread")
    names = [(await each.receive_json_from(timeout=10))["name"] for each in (plain, threaded)]
    await another().send(names[0], HELLO)
    assert (await plain.receive_json_from(timeout=10))["text"] == "hello"

    for each in (plain, threaded):
        await each.disconnect(timeout=10)
    here: HubChannelLayer = get_channel_layer()  # type: ignore[no-untyped-call]
    while here.hub().mailboxes or here.hub().members:  # a consumer that ended leaves nothing
        await asyncio.sleep(0.01)


async def test_who_waits_again_has_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(here.receive(channel), 0.01)

    await here.group_send("chat", HELLO)

    assert await heard(here, channel) == HELLO


async def publish_nonsense(client: redis.AsyncClient, *, key: str) -> None:
    await client.publish(redis.store().scope + key, b"\xc1 nonsense")


async def test_nonsense_on_redis_ends_nothing() -> None:
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)
    for key in (hub.GROUP + "chat", f"{hub.CHANNEL}specific.{here.hub().process}"):
        await redis.acall(partial(publish_nonsense, key=key))

    await here.group_send("chat", HELLO)

    assert await heard(here, channel) == HELLO


async def test_a_group_does_not_expire(monkeypatch: pytest.MonkeyPatch) -> None:  # RT 17
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)

    later = time.time() + 72 * 3600
    monkeypatch.setattr("time.time", lambda: later)
    await another().group_send("chat", HELLO)
    assert await heard(here, channel) == HELLO
    # There is no key in Redis that could: the membership is a subscription, for as long as it is.
    keys = await redis.acall(lambda client: client.keys("*group*"))
    [(_, count)] = await redis.acall(
        lambda client: client.pubsub_numsub(redis.store().scope + hub.GROUP + "chat")
    )
    assert (keys, count) == ([], 1)


async def test_the_last_to_leave_ends_the_subscription() -> None:
    here = another()
    channels = [await here.new_channel() for _ in range(2)]
    for channel in channels:
        await here.group_add("chat", channel)
    here.detach(channels[0])
    await here.group_discard("chat", channels[1])
    while await redis.acall(
        lambda client: client.pubsub_channels(redis.store().scope + "*group:chat")
    ):
        await asyncio.sleep(0.01)

    await here.group_add("chat", channels[1])
    await here.group_send("chat", HELLO)
    assert await heard(here, channels[1]) == HELLO


async def test_subscriptions_come_back_when_redis_restarts(private_valkey: Valkey) -> None:  # RT 26
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)
    private_valkey.stop()
    private_valkey.start(private_valkey.port)

    while not (await _numsub(here)):
        await asyncio.sleep(0.02)
    await here.group_send("chat", HELLO)

    assert await heard(here, channel) == HELLO


async def _numsub(layer: HubChannelLayer) -> int:
    try:
        store = layer._stores[0]
        [(_, count)] = await store.acall(
            lambda client: client.pubsub_numsub(store.scope + hub.GROUP + "chat")
        )
    except redis.StoreUnavailableError:
        return 0
    return int(count)


async def test_two_hosts_share_the_groups(private_valkey: Valkey, tmp_path: Path) -> None:
    second = Valkey(tmp_path, durable=False)
    tmp_path.chmod(0o755)
    second.start(free_port())
    try:
        hosts = [settings.REDIS_URL, f"redis://127.0.0.1:{second.port}/0"]
        here, there = HubChannelLayer(hosts), HubChannelLayer(hosts)
        channel, groups = await here.new_channel(), [f"chat{number}" for number in range(8)]
        for group in groups:
            await here.group_add(group, channel)
            await there.group_send(group, {"type": group})

        assert {(await heard(here, channel))["type"] for _ in groups} == set(groups)
        assert {here._store_index(hub.GROUP + group) for group in groups} == {0, 1}
    finally:
        second.stop()


# -- From wherever our code runs -------------------------------------------------------------------
def test_it_works_from_synchronous_code_again_and_again() -> None:  # RT 32
    layer = another()

    async def round_trip() -> dict[str, Any]:
        channel = await layer.new_channel()
        await layer.group_add("chat", channel)
        await layer.group_send("chat", HELLO)
        return await heard(layer, channel)

    for _ in range(3):
        assert async_to_sync(round_trip)() == HELLO
        assert asyncio.run(round_trip()) == HELLO
        async_to_sync(layer.group_send)("chat", HELLO)
        layer.send_many([("chat", HELLO)])
    assert len(layer._hubs) <= 1  # those of loops that are over are forgotten


SHELL = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
for number in range(3):
    async_to_sync(get_channel_layer().group_send)("chat", {"type": "n", "number": number})
"""


async def test_it_works_from_a_shell() -> None:  # RT 32
    here = another()
    channel = await here.new_channel()
    await here.group_add("chat", channel)

    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-X", "dev", "manage.py", "shell", "-c", SHELL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "loop" in done.stderr) == (0, False), done.stderr
    assert [(await heard(here, channel))["number"] for _ in range(3)] == [0, 1, 2]
