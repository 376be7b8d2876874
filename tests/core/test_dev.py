"""`manage.py dev`, really run: its own data folder, its own stores, a port of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from core.embedded import processes, state
from core.embedded.services import Services

pytestmark = pytest.mark.server

ELSEWHERE = {"DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "SECRET_KEY", "EMAIL_URL"}
LAST_LINE = "Ctrl-C ends everything"


class Run:
    """One `manage.py dev`, as `make run` starts it."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        environment = {k: v for k, v in os.environ.items() if k not in ELSEWHERE}
        environment |= {"DEBUG": "1", "PORT": str(port), "TENANTRY_HOME": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "dev"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def greeting(self) -> str:
        """Return what it prints until it is ready."""
        assert self.process.stdout
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if LAST_LINE in line:
                break
        else:
            pytest.fail("".join(lines))
        return "".join(lines)

    def end(self, sign: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send the signal; return the exit code and what was still printed."""
        self.process.send_signal(sign)
        return self.rest()

    def rest(self) -> tuple[int, str]:
        output, _ = self.process.communicate()
        return self.process.returncode, output

    def children(self) -> list[int]:
        return [int(pid) for pid in json.loads((self.home / "children.json").read_text())]

    def stores(self) -> list[int]:
        servers = Services(self.home, durable=True).servers
        return [pid for server in servers if (pid := server.running_pid())]


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tenantry-dev-"))
    folder.chmod(0o711)
    yield folder
    Services(folder, durable=True).discard()


@pytest.fixture
def start(home: Path) -> Iterator["Start"]:
    starter = Start(home)
    yield starter
    for run in starter.runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
        assert run.process.stdout
        run.process.stdout.close()


class Start:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = state.free_port()
        self.runs: list[Run] = []

    def __call__(self) -> Run:
        self.runs.append(Run(self.home, self.port))
        return self.runs[-1]


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def has_worker(home: Path) -> bool:
    with psycopg.connect(state.addresses(home).database_url) as connection:
        return bool(connection.execute("SELECT 1 FROM procrastinate_workers").fetchall())


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if processes.is_alive(pid)]


def test_it_names_its_pages_and_logins_and_ctrl_c_leaves_nothing(start: Start) -> None:
    run = start()
    greeting = run.greeting()
    started = run.children() + run.stores()
    status = get(run.port, "/health/ready")

    code, rest = run.end(signal.SIGINT)

    assert status == 200
    for path in ("/", "/api/docs", "/admin/", "/dev/mail"):
        assert f"http://127.0.0.1:{run.port}{path}\n" in greeting
    assert "admin@example.com" in greeting
    assert (code, rest.splitlines()[-1]) == (0, "Stopped.")
    assert len(started) == 4
    assert alive(started) == []


def test_after_kill_9_the_next_start_takes_over(start: Start) -> None:
    killed = start()
    killed.greeting()
    children, stores = killed.children(), killed.stores()
    killed.end(signal.SIGKILL)

    later = start()
    later.greeting()

    assert alive(children) == []
    assert later.stores() == stores
    assert later.end(signal.SIGTERM)[0] == 0
    assert alive(stores) == []


def test_server_and_worker_do_not_outlive_a_killed_parent(
    start: Start, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    run = start()
    run.greeting()
    children = run.children()
    eventually(lambda: has_worker(run.home))  # the greeting waits for the server alone

    run.end(signal.SIGKILL)

    assert all(processes.wait_for_end(pid, patience_seconds=30) for pid in children)


def test_a_busy_port_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", start.port)):
        code, output = start().rest()

    assert code == 1
    assert output == (
        f"Port {start.port} is taken by another program. Choose another one: PORT=8001 make run\n"
    )


def test_a_second_run_in_the_same_folder_is_one_line(start: Start) -> None:
    first = start()
    first.greeting()

    code, output = start().rest()

    assert code == 1
    assert output == (
        "Tenantry already runs from this folder "
        f"(process {first.process.pid}, http://127.0.0.1:{start.port}/).\n"
    )


def test_the_death_of_one_process_ends_the_others_and_is_told(start: Start) -> None:
    run = start()
    run.greeting()
    started = run.children() + run.stores()

    os.kill(run.children()[1], signal.SIGKILL)
    code, output = run.rest()

    assert code == 1
    assert "The worker ended with exit code -9." in output
    assert alive(started) == []


@pytest.mark.parametrize(("store", "name"), [(0, "PostgreSQL"), (1, "Valkey")])
def test_the_death_of_a_store_ends_the_others_and_is_told(
    start: Start, store: int, name: str
) -> None:
    run = start()
    run.greeting()
    started = run.children() + run.stores()

    os.kill(run.stores()[store], signal.SIGKILL)
    code, output = run.rest()

    assert code == 1
    assert f"{name} has ended. Its last words are in " in output
    assert alive(started) == []


def test_a_store_whose_port_was_taken_moves(start: Start, home: Path) -> None:
    before = state.read(home)
    with socket.create_server(("127.0.0.1", before.postgres)):
        run = start()
        greeting = run.greeting()

    after = state.read(home)
    assert after.postgres != before.postgres
    assert f"PostgreSQL ready on port {after.postgres}" in greeting
    assert run.end()[0] == 0
