"""python-socketio with its Redis manager, as its docs set them up: for uvicorn."""

import os
from typing import Any
from urllib.parse import parse_qs

import socketio

from core.lifecycle import exit_with_parent

exit_with_parent()
server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]),
    transports=["websocket"],
)
app = socketio.ASGIApp(server)


@server.event
async def connect(sid: str, environ: dict[str, Any]) -> None:
    (person,) = parse_qs(environ["QUERY_STRING"])["person"]
    await server.enter_room(sid, f"person.{person}")
