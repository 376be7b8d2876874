"""A server that can't do something right now is asked again: a channel is not lost by it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from tests.servers import free_port

CLIENTS = Path(__file__).parents[2] / "clients"
ANSWERS: list[dict[str, Any]] = [
    {"type": "error", "code": "unavailable", "detail": "Not now."},
    {"type": "ack", "channel": "user", "epoch": "e", "offset": 7},
]
WELCOME = {"type": "welcome", "connection_id": "c", "user_id": "u", "session_id": "s"}
JAVASCRIPT = """
const [library, url] = process.argv.slice(1);
const { Realtime } = await import(library);
const realtime = new Realtime(url, { getToken: async () => "token" });
realtime.subscribe("user", {
  onStale: () => { console.log("joined"); realtime.close(); },
  onLost: (code) => { console.log(`lost: ${code}`); realtime.close(); },
});
realtime.connect();
"""
PYTHON = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from tenantry_realtime import Realtime

async def token(fresh):
    return "token"

async def main():
    told = asyncio.Queue()
    async with Realtime(sys.argv[2], token) as realtime:
        realtime.subscribe("user", on_stale=lambda: told.put_nowait("joined"),
                           on_lost=lambda code: told.put_nowait(f"lost: {code}"))
        print(await told.get())

asyncio.run(main())
"""
NODE = [
    "node",
    "--experimental-websocket",
    "--no-warnings",
    "--input-type=module",
    "-e",
    JAVASCRIPT,
]
HOMES = {
    "node": [*NODE, str(CLIENTS / "javascript" / "tenantry-realtime.js")],
    "python": [sys.executable, "-c", PYTHON, str(CLIENTS / "python")],
}


def answer(connection: ServerConnection) -> None:
    """Refuse the first question for the moment, and let the second in."""
    answers = iter(ANSWERS)
    connection.send(json.dumps({**WELCOME, "heartbeat_s": 25}))
    for text in connection:
        asked: dict[str, Any] = json.loads(text)
        if asked["type"] == "subscribe":
            connection.send(json.dumps({**next(answers), "ref": asked["ref"]}))


@pytest.fixture
def url() -> Iterator[str]:
    port = free_port()
    protocols: Any = ["tenantry.v1"]
    with serve(answer, "127.0.0.1", port, subprotocols=protocols) as server:
        running: Server = server
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{port}"


@pytest.mark.parametrize("home", HOMES)
def test_it_asks_again(home: str, url: str) -> None:  # RT 26
    done = subprocess.run([*HOMES[home], url], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "joined", done.stderr
