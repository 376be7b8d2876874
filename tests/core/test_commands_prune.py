# PLT 23: --json, --dry-run, safe twice, resumable, alone.
import json
from collections.abc import Generator
from datetime import datetime
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from core import pruning
from core.jobs.maintenance import prune_daily
from core.postgres.locks import AdvisoryLock
from tests.core.jobs import queues


@pytest.fixture(autouse=True)
def _only_tests_prunes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_prunes", {})


class Attic:
    """Rows of a test, and a prune of them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.batches = 0

    def prune(self, now: datetime, dry_run: bool) -> int:
        return self.rows if dry_run else pruning.in_batches(self._delete)

    def _delete(self, limit: int) -> int:
        deleted = min(self.rows, limit)
        self.rows -= deleted
        self.batches += 1
        return deleted


def broken(now: datetime, dry_run: bool) -> int:
    raise RuntimeError("moths")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.django_db
def test_every_registered_prune_runs_and_a_second_time_finds_nothing() -> None:
    attic = Attic(rows=2500)
    pruning.register("attic", attic.prune)

    assert run_json() == {"pruned": {"attic": 2500, "jobs": 0}, "dry_run": False}
    assert run() == "attic: 0 deleted\njobs: 0 deleted\n"
    assert attic.batches == 3 + 1


@pytest.mark.django_db
def test_a_dry_run_counts_and_changes_nothing() -> None:
    attic = Attic(rows=7)
    pruning.register("attic", attic.prune)

    assert run("--dry-run") == "attic: 7 would go\njobs: 0 would go\n"
    assert attic.rows == 7


@pytest.mark.django_db
def test_a_broken_prune_fails_the_command_but_not_the_others() -> None:
    attic = Attic(rows=7)
    pruning.register("a broken one", broken)
    pruning.register("attic", attic.prune)

    with pytest.raises(SystemExit) as end:
        run()

    assert end.value.code == 1
    assert attic.rows == 0


@pytest.fixture
def somebody_else(db: None) -> Generator[psycopg.Connection]:
    """Another process, in the midst of a prune."""
    with psycopg.connect(queues.database_url(), autocommit=True) as own:
        own.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.PRUNE])
        yield own


@pytest.mark.usefixtures("somebody_else")
def test_two_prunes_do_not_fight() -> None:
    attic = Attic(rows=7)
    pruning.register("attic", attic.prune)

    with pytest.raises(CommandError, match="Another prune is running") as error:
        run()
    prune_daily()

    assert error.value.returncode == 1
    assert attic.rows == 7


@pytest.mark.django_db
def test_the_lock_is_free_again_after_a_prune() -> None:
    run()

    with psycopg.connect(queues.database_url(), autocommit=True) as own:
        row = own.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.PRUNE]).fetchone()
    assert row == (True,)


@pytest.mark.django_db
def test_the_daily_job_prunes() -> None:
    attic = Attic(rows=7)
    pruning.register("attic", attic.prune)

    prune_daily()

    assert attic.rows == 0
