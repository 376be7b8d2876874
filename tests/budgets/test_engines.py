"""What an answer about a flag may cost, and a message for one more socket: done by the million."""

from contextlib import AsyncExitStack
from typing import Any

import msgpack
import pytest
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from websockets.asyncio.client import connect

import flags
from accounts.models import User
from core.socket_protocol import SocketProtocol
from organizations.models import Organization
from realtime.hub import GROUP
from realtime.hub_consumer import HubConsumer
from tests.budgets.counting import calls, cost
from tests.flags.conftest import make_flag, share
from tests.realtime.test_ready_frames import served

FEW, MANY = 10, 30


@pytest.mark.django_db
def test_an_answer_about_a_flag(user: User, acme: Organization) -> None:
    targets = [{"contextName": "organizationId", "operator": "IN", "values": [str(acme.pk)]}]
    make_flag(strategies=[share("25"), {"name": "default", "constraints": targets}])

    found = cost(lambda: flags.is_enabled("lamp", user=user, organization=acme))

    assert found.statements == 0
    assert found.trips == 0
    assert found.calls <= 34


class Listener(HubConsumer):
    async def websocket_connect(self, message: dict[str, Any]) -> None:
        await self.channel_layer.group_add("lamps", self.channel_name)
        await self.base_send({"type": "websocket.accept"})

    async def lamp_lit(self, message: dict[str, Any]) -> None:
        await self.base_send({"type": "websocket.send", "text": message["text"]})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer


async def calls_to_tell(sockets: int) -> int:
    """Return the calls from a message's arrival from Redis until every socket has its frame."""
    layer: Any = get_channel_layer()  # type: ignore[no-untyped-call]
    payload = msgpack.packb({"type": "lamp.lit", "text": "x" * 200})  # type: ignore[no-untyped-call]
    async with AsyncExitStack() as stack:
        app = Listener.as_asgi()  # type: ignore[no-untyped-call]
        as_we_serve = {"ws": SocketProtocol, "ws_per_message_deflate": False}
        address = await stack.enter_async_context(served(app, **as_we_serve))
        clients = [await stack.enter_async_context(connect(address)) for _ in range(sockets)]
        hub = layer.hub()
        hub._arrived(GROUP + "lamps", payload)  # warm
        _, counted = calls(lambda: hub._arrived(GROUP + "lamps", payload))
        for client in clients:
            assert [await client.recv() for _ in range(2)] == ["x" * 200] * 2
    return counted


async def test_a_message_for_one_more_socket() -> None:
    few, many = await calls_to_tell(FEW), await calls_to_tell(MANY)

    assert (many - few) / (MANY - FEW) <= 15
