"""Flags in real processes, with real stores that fail."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import close_old_connections
from django.utils import timezone

from core.embedded.postgres import Postgres
from core.embedded.state import DATABASE, free_port
from core.embedded.valkey import Valkey
from core.errors import InvalidError
from flags.errors import VersionError
from flags.models import Environment, Flag, FlagRules
from flags.services import definitions, keys, rules
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.servers import Server, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
ONE = "/ofrep/v1/evaluate/flags/lamp"


def value(server: Server, secret: str) -> Any:
    headers = {"Authorization": f"Bearer {secret}"}
    answer = server.post(ONE, json={"context": {"targetingKey": "k"}}, headers=headers)
    return answer.json().get("value")


def until(is_true: Callable[[], bool], *, seconds: float = 15.0) -> float:
    """Wait for what another process does; return how long it took."""
    started = time.monotonic()
    while not is_true():
        assert time.monotonic() - started < seconds, "it never became true"
        time.sleep(0.01)
    return time.monotonic() - started


def test_a_change_is_seen_by_another_process(tmp_path: Path) -> None:
    make_flag()
    _, secret, _ = keys.create(name="k", environment="production", author=AUTHOR)
    with running(tmp_path / "log", FLAGS_POLL_S="600") as server:
        assert value(server, secret) is True

        change_rules(enabled=False)
        until(lambda: value(server, secret) is False, seconds=5)  # pushed: the poll is far away
        rules.kill(name="lamp", author=AUTHOR, now=timezone.now())
        change_rules(enabled=True)
        assert value(server, secret) is False
        rules.unkill(name="lamp", author=AUTHOR, now=timezone.now())
        until(lambda: value(server, secret) is True, seconds=5)


def test_a_change_is_seen_without_redis(tmp_path: Path) -> None:  # FLG 19, 22
    make_flag()
    _, secret, _ = keys.create(name="k", environment="production", author=AUTHOR)
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with running(tmp_path / "log", FLAGS_POLL_S="1", REDIS_URL=nowhere) as server:
        assert value(server, secret) is True
        change_rules(enabled=False)
        until(lambda: value(server, secret) is False)
        assert server.stop() == 0


SCRIPT = """
import django, sys, time
django.setup()
import flags
for line in sys.stdin:
    lamp = flags.is_enabled("lamp", default=line.strip() == "default")
    nothing = flags.is_enabled("nothing", default=True)
    freshness = "stale" if flags.is_stale() else "fresh"
    sys.stdout.write(f"\\nanswer {lamp} {nothing} {freshness}\\n")  # the log shares the stream
    sys.stdout.flush()
"""


class Asker:
    """A process that asks about the flag whenever it is told to."""

    def __init__(self, log: Path, **environment: str) -> None:
        import subprocess
        import sys

        self.log = log.open("ab")
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def ask(self, default: bool = False) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("default\n" if default else "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            assert line, "the process has ended"
            self.said += line
            if line.startswith("answer "):
                return str(line.removeprefix("answer ").strip())

    def end(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            return self.process.wait(15)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()
            if self.process.stdout:
                self.process.stdout.close()


def test_with_both_stores_dead_flags_go_on(tmp_path: Path) -> None:  # FLG 21, 22
    kept = tmp_path / "flags.json"
    stores = Stores(tmp_path)
    try:
        stores.fill()
        common = {**stores.environment, "FLAGS_SNAPSHOT": str(kept), "FLAGS_POLL_S": "1"}
        first = Asker(tmp_path / "log", **common)
        assert first.ask() == "True True fresh"
        until(kept.exists)
        assert kept.stat().st_mode & 0o077 == 0

        stores.kill()
        until(lambda: first.ask().endswith("stale"))
        assert {first.ask() for _ in range(20)} == {"True True stale"}
        second = Asker(tmp_path / "log", **common)
        assert second.ask() == "True True stale"  # out of the file
        without = Asker(tmp_path / "log", **{**common, "FLAGS_SNAPSHOT": str(tmp_path / "none")})
        told = [without.ask(), without.ask(default=True)]
        assert told == ["False True stale", "True True stale"]
        stores.revive()
        until(lambda: second.ask() == "True True fresh")
        until(lambda: first.ask() == "True True fresh")
        assert [each.end() for each in (first, second, without)] == [0, 0, 0]
        assert "flags.database_unavailable" in first.said
        assert "flags.database_back" in first.said
    finally:
        stores.discard()


class Stores:
    """A PostgreSQL and a Valkey of one test, to be killed."""

    def __init__(self, home: Path) -> None:
        home.chmod(0o755)
        self.postgres = Postgres(home, durable=False)
        self.valkey = Valkey(home, durable=False)
        self.ports = free_port(), free_port()
        self.postgres.start(self.ports[0])
        self.valkey.start(self.ports[1])
        self.environment = {
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{self.ports[0]}/{DATABASE}",
            "REDIS_URL": f"redis://127.0.0.1:{self.ports[1]}/0",
        }

    def fill(self) -> None:
        self.manage("migrate", "--verbosity=0")
        state = '{"version": 2, "features": [{"name": "lamp", "enabled": true, "strategies": []}]}'
        self.manage("flag", "import", "--format", "unleash", "-", given=state)

    def manage(self, *words: str, given: str = "") -> None:
        import subprocess
        import sys

        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            [sys.executable, "manage.py", *words], env=environment, input=given, text=True,
            capture_output=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def kill(self) -> None:
        for server in (self.postgres, self.valkey):
            pid = server.running_pid()
            assert pid
            os.kill(pid, signal.SIGQUIT if server is self.postgres else signal.SIGKILL)
        until(lambda: not (self.postgres.answers() or self.valkey.answers()))

    def revive(self) -> None:
        self.postgres.start(self.ports[0])

    def discard(self) -> None:
        self.postgres.discard()
        self.valkey.discard()


def in_parallel(*works: Callable[[], Any]) -> list[Any]:
    """Run each in a thread with a connection of its own; return results and what was raised."""

    def attempt(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (InvalidError, VersionError) as error:
            return error
        finally:
            close_old_connections()
            from django.db import connection

            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(attempt, works))


def test_a_circle_is_not_made_by_two_at_once() -> None:  # FLG 14
    for name in ("a", "b"):
        make_flag(name)

    def need(name: str, needed: str) -> Callable[[], Flag]:
        wanted = [{"feature": needed}]
        return lambda: definitions.change(
            name=name, author=AUTHOR, now=timezone.now(), dependencies=wanted
        )

    for _ in range(5):
        found = in_parallel(need("a", "b"), need("b", "a"))
        assert sum(isinstance(each, InvalidError) for each in found) == 1
        for flag in Flag.objects.all():
            definitions.change(name=flag.name, author=AUTHOR, now=timezone.now(), dependencies=[])


def test_of_two_who_edit_at_once_one_is_told() -> None:  # FLG 30
    make_flag()
    seen = FlagRules.objects.get().version

    def edit(percentage: str) -> Callable[[], FlagRules]:
        return lambda: change_rules(strategies=[share(percentage)], expected_version=seen)

    found = in_parallel(edit("10"), edit("20"))

    assert sum(isinstance(each, VersionError) for each in found) == 1
    assert FlagRules.objects.get().version == seen + 1


def test_versions_rise_by_one_for_each_of_many_at_once() -> None:  # FLG 20
    for number in range(4):
        make_flag(f"flag {number}", enabled=True)
    before = Environment.objects.get().version

    def edit(number: int) -> Callable[[], FlagRules]:
        return lambda: change_rules(f"flag {number}", strategies=[share("1")])

    in_parallel(*(edit(number) for number in range(4)))

    assert Environment.objects.get().version == before + 4
