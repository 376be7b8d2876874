"""Frames past the server's protocol are those that it would have made itself, in the same order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from core.socket_protocol import SocketProtocol
from realtime.ready_frames import quick

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]


class App:
    """Answers "many" with texts of all sizes and a binary frame between, and "end" with the end."""

    def __init__(self) -> None:
        self.was_quick: list[bool] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fast = quick(send)
        self.was_quick.append(fast is not send)
        await receive()
        await fast({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"] == "end":
                await fast({"type": "websocket.send", "text": "last words"})
                await fast({"type": "websocket.close", "code": 4001})
                await fast({"type": "websocket.send", "text": "too late"})
            else:
                await self.say_much(fast)

    async def say_much(self, fast: Any) -> None:
        for size in SIZES:
            await fast({"type": "websocket.send", "text": "x" * size})
        await fast({"type": "websocket.send", "bytes": b"\x00"})
        await fast({"type": "websocket.send", "text": "größer ☃"})


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[str]:
    chosen = {"ws": "websockets-sansio"} | options
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, **chosen)
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign]  # pytest has them
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.mark.parametrize("protocol", ["websockets-sansio", SocketProtocol])
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_client_hears_the_same_in_the_same_order(compressed: bool, protocol: Any) -> None:
    app = App()
    serving = served(app, ws=protocol, ws_per_message_deflate=compressed)
    async with serving as address, connect(address, max_size=None) as client:
        await client.send("many")

        assert [len(await client.recv()) for _ in SIZES] == SIZES
        assert await client.recv() == b"\x00"
        assert await client.recv() == "größer ☃"

        await client.send("end")
        assert await client.recv() == "last words"
        await client.wait_closed()
        assert client.close_code == 4001
    assert app.was_quick == [True]


async def test_under_a_server_that_we_do_not_know_its_own_send_is_used() -> None:
    async def send(message: dict[str, Any]) -> None: ...

    assert quick(send) is send


async def test_a_client_that_reads_nothing_holds_the_sender_up() -> None:
    """Past the protocol is not past its limits: what can't leave is waited for."""
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        fast = quick(send)
        await receive()
        await fast({"type": "websocket.accept"})
        text = "x" * 60_000
        while True:
            await fast({"type": "websocket.send", "text": text})
            sent += 1
            await asyncio.sleep(0)

    serving = served(app, ws_per_message_deflate=False)
    async with serving as address, connect(address, max_queue=1) as client:
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)

        assert 0 < sent < 1_000  # 60 MB
        heard = [await client.recv() for _ in range(sent)]
        assert len(heard) == before
        client.transport.abort()  # a farewell would wait behind what is sent meanwhile
