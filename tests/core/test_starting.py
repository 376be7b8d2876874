"""What a process does between its start and being ready."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.http import warming
from tests.budgets.imported import ROOT, told
from tests.servers import running

NOWHERE = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}

SERVED = """
import asyncio, gc, socket
import django
django.setup()
import uvicorn
from core.serving import DrainingServer
gc.disable()
async def start():
    config = uvicorn.Config(lambda *_: None, lifespan="off", log_config=None)
    config.load()
    server = DrainingServer(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[socket.create_server(("127.0.0.1", 0))])
asyncio.run(start())
found = [gc.isenabled(), gc.get_freeze_count() > 100_000]"""


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_a_server_has_asked_itself_before_anybody_else_can(tmp_path: Path) -> None:
    with running(tmp_path / "log") as server:
        server.get("/api/v1/users/me", headers={"X-Request-ID": "the-first"})

    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    asked = [
        (line["path"], line["status"]) for line in lines if line.get("request_id") == warming.NAME
    ]
    order = [line.get("request_id") or line["event"] for line in lines]
    assert asked == [("/admin/login/", 200), ("/", 200), ("/api/v1/users/me", 401)]
    assert order.index("server.started") == len(asked) < order.index("the-first")


@pytest.mark.server
def test_a_server_starts_without_stores_to_warm_up_with(tmp_path: Path) -> None:
    with running(tmp_path / "log", **NOWHERE) as server:
        ready = server.get("/health/ready")

    assert ready.status_code == 503
    assert {"database", "redis"} <= set(ready.json()["failed"])


def test_garbage_is_looked_for_once_a_server_has_started() -> None:
    assert told(SERVED) == [True, True]


def test_garbage_is_looked_for_in_commands() -> None:
    code = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 50_000)"
    words = [sys.executable, "manage.py", "shell", "--no-imports", "--command", code]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True"]
