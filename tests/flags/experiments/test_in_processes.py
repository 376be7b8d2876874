"""Experiments in real processes, with a database that goes away."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flags.experiments import counting
from flags.models import Conversion, Exposure
from tests.core.jobs.queues import database_url
from tests.flags.conftest import state
from tests.flags.experiments.conftest import VARIANTS, experiment, tallies
from tests.flags.test_in_processes import Stores, in_parallel, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
SUBJECTS = [f"visitor {number}" for number in range(40)]
SCRIPT = """
import django, sys
django.setup()
import flags
for line in sys.stdin:
    action, subject = line.rstrip("\\n").split(" ", 1)
    if action == "goal":
        flags.track("bought", sessionId=subject)
        answer = "noted"
    else:
        answer = flags.variant("button", sessionId=subject).name
    sys.stdout.write(f"\\nanswer {answer}\\n")  # the log shares the stream
    sys.stdout.flush()
"""


class Shop:
    """A process in which people see the button, and buy."""

    def __init__(self, log: Path, **environment: str) -> None:
        common = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url()}
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT],
                env={**os.environ, **common, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ask(self, line: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        while True:
            told = self.process.stdout.readline()
            assert told, "the process has ended"
            if told.startswith("answer "):
                return str(told.removeprefix("answer ").strip())

    def end(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(20)


@contextmanager
def shop(log: Path, **environment: str) -> Iterator[Shop]:
    found = Shop(log, **environment)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        for stream in (found.process.stdin, found.process.stdout):
            if stream:
                stream.close()


def test_two_processes_that_see_the_same_people_count_them_once(tmp_path: Path) -> None:  # FLG 16
    made = experiment()
    with ExitStack() as both:
        one, two = (
            both.enter_context(shop(tmp_path / "log", FLAGS_POLL_S=every)) for every in ("1", "600")
        )
        arms = {each: one.ask(f"see {each}") for each in SUBJECTS}
        assert {each: two.ask(f"see {each}") for each in SUBJECTS} == arms
        assert {two.ask(f"goal {each}") for each in SUBJECTS[:10]} == {"noted"}
        until(lambda: Exposure.objects.count() == 40)  # by the first, which writes every second
        assert Conversion.objects.count() == 0
        assert [each.end() for each in (one, two)] == [0, 0]  # by the second, as it ends

    assert {row.subject: row.variant for row in Exposure.objects.all()} == arms
    counting.count()
    found = tallies(made)
    assert found["buy", ""] + found["order", ""] == 40
    assert found.get(("buy", "bought"), 0) + found.get(("order", "bought"), 0) == 10


def test_many_who_count_at_once_count_once() -> None:  # FLG 16
    made = experiment()
    rows = [(made.pk, each, "buy", made.started_at) for each in SUBJECTS * 5]
    pieces = [rows[start : start + 25] for start in range(0, len(rows), 25)]

    def write_and_count(piece: int) -> None:
        Exposure.objects.add_seen(pieces[piece])
        while counting.count_some(3):
            pass

    in_parallel(*(lambda piece=piece: write_and_count(piece) for piece in range(len(pieces))))
    counting.count()

    assert Exposure.objects.count() == 40
    assert tallies(made) == {("buy", ""): 40}


def test_while_the_database_is_dead_people_are_answered_and_noted(tmp_path: Path) -> None:  # FLG 16
    stores = Stores(tmp_path)
    try:
        stores.manage("migrate", "--verbosity=0")
        button = {"name": "button", "enabled": True, "strategies": [], "variants": VARIANTS}
        stores.manage("flag", "import", "--format", "unleash", "-", given=json.dumps(state(button)))
        stores.manage("experiment", "start", "button", "--goal", "bought")
        environment = {**stores.environment, "FLAGS_POLL_S": "1"}
        with shop(tmp_path / "log", **environment) as asked:
            first = {each: asked.ask(f"see {each}") for each in SUBJECTS[:5]}
            stores.kill()
            arms = first | {each: asked.ask(f"see {each}") for each in SUBJECTS[5:]}
            assert set(arms.values()) == {"buy", "order"}
            assert asked.ask(f"goal {SUBJECTS[7]}") == "noted"

            stores.postgres.start(stores.ports[0])
            with psycopg.connect(stores.environment["DATABASE_URL"], autocommit=True) as there:
                until(lambda: counted(there, "exposure") == 40)
                until(lambda: counted(there, "conversion") == 1)
            assert asked.end() == 0
    finally:
        stores.discard()


def counted(there: psycopg.Connection[Any], kind: str) -> int:
    """Return how many rows the process wrote, and counted."""
    row = there.execute(f"SELECT count(*) FROM flags_{kind} WHERE is_counted").fetchone()
    return int(row[0]) if row else 0
