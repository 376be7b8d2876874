"""Readiness while PostgreSQL is stopped: every process of it, in the middle of whatever it did."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from core import health_database
from core.embedded.postgres import Postgres
from core.embedded.state import DATABASE, free_port
from tests.servers import Server, running

pytestmark = [pytest.mark.server]


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A database server of the test's own, to be stopped; its schema is empty."""
    home: Path = tmp_path_factory.mktemp("postgres")
    home.chmod(0o711)  # root's servers run as `nobody`
    server = Postgres(home, durable=False)
    server.start(free_port())
    yield server
    signal_all(server, signal.SIGCONT)
    server.stop()


@pytest.fixture
def server(db: None, postgres: Postgres, tmp_path: Path) -> Iterator[Server]:
    address = f"postgres://postgres@127.0.0.1:{postgres.port}/{DATABASE}"
    with running(tmp_path / "log", DATABASE_URL=address) as started:
        yield started


def signal_all(postgres: Postgres, sign: signal.Signals) -> None:
    """Send a signal to the server and to each of its backends."""
    parent = postgres.running_pid()
    assert parent is not None
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    for pid in [parent, *(child for child, of in pairs if of == parent)]:
        with suppress(ProcessLookupError):  # a backend whose client has just left
            os.kill(pid, sign)


def test_a_stopped_database_is_unavailable_and_comes_back(
    server: Server, postgres: Postgres, eventually: Callable[[Callable[[], bool]], None]
) -> None:  # PLT 19
    before = server.get("/health/ready")
    signal_all(postgres, signal.SIGSTOP)
    eventually(lambda: "database" in server.get("/health/ready").json()["failed"])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: server.get("/health/ready"), range(60)))
    signal_all(postgres, signal.SIGCONT)

    assert before.json()["failed"] == ["migrations", "worker"]
    assert {answer.status_code for answer in answers} == {503}
    assert [answer.json()["failed"] for answer in answers] == [["database", "worker"]] * 60
    eventually(lambda: "database" not in server.get("/health/ready").json()["failed"])


async def test_a_server_stopped_in_the_middle_of_a_question_is_left_alone(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    """The cancelling of a statement waits for the server, so nobody may wait for that."""
    address = {"host": "127.0.0.1", "port": postgres.port, "user": "postgres", "dbname": DATABASE}
    monkeypatch.setattr(health_database, "_parameters", lambda: address)
    monkeypatch.setattr(health_database, "APPLIED", "SELECT 'a', 'b' FROM pg_sleep(30)")

    asked = asyncio.create_task(health_database.state())
    while not _is_asked(postgres):
        await asyncio.sleep(0)
    signal_all(postgres, signal.SIGSTOP)

    assert await asked is None


def _is_asked(postgres: Postgres) -> bool:
    """Tell whether the server runs a statement that sleeps."""
    listed = subprocess.run(
        ["ps", "-eo", "ppid=,args="], capture_output=True, text=True, check=True
    )
    parent = str(postgres.running_pid())
    return any(
        line.split()[0] == parent and "SELECT" in line for line in listed.stdout.splitlines()
    )
