import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, migrations, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation

from core.postgres.locks import AdvisoryLock
from tests.checkout import APPS
from tests.core.jobs.queues import database_url

OURS = set(APPS)
UNSAFE = (
    migrations.AlterField,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.RemoveField,
    migrations.DeleteModel,
)
"""On a table in use these rewrite or lock it, or break the code of the release before."""


def our_migrations() -> list[Migration]:
    loaded = MigrationLoader(None).disk_migrations
    return [migration for (app, _), migration in sorted(loaded.items()) if app in OURS]


def created_in(migration: Migration) -> set[str]:
    kinds = migrations.CreateModel
    return {op.name.lower() for op in migration.operations if isinstance(op, kinds)}


@pytest.mark.parametrize("migration", our_migrations(), ids=str)
def test_a_migration_can_be_turned_back(migration: Migration) -> None:  # PLT 24
    assert all(operation.reversible for operation in migration.operations)


@pytest.mark.parametrize("migration", our_migrations(), ids=str)
def test_a_migration_locks_no_table_that_is_in_use(migration: Migration) -> None:  # PLT 24
    fresh = created_in(migration)

    assert [op for op in migration.operations if locks_a_table(op, fresh)] == []


def locks_a_table(operation: Operation, fresh: set[str]) -> bool:
    if getattr(operation, "model_name", "").lower() in fresh:
        return False
    if isinstance(operation, migrations.AddField):
        field = operation.field
        return not (field.null or field.has_db_default() or field.many_to_many)
    plain = isinstance(operation, migrations.AddIndex | migrations.AddConstraint)
    return isinstance(operation, UNSAFE) or (
        plain and "Concurrently" not in type(operation).__name__
    )


def test_every_app_of_ours_is_looked_at() -> None:
    root = str(Path(__file__).resolve().parents[2])
    apart = f"{root}/.venv"

    found = {
        config.label
        for config in apps.get_app_configs()
        if config.path.startswith(root) and not config.path.startswith(apart)
    }
    assert found == OURS


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_two_that_migrate_at_once_take_turns() -> None:  # PLT 24
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.MIGRATE])
        second = migrate()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not _one(waiting):
            assert second.poll() is None
        cursor.execute("SELECT pg_advisory_unlock(%s)", [AdvisoryLock.MIGRATE])

    assert second.wait(60) == 0


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_a_busy_table_is_waited_for_in_short_turns(tmp_path: Path) -> None:  # PLT 24
    with transaction.atomic(), connection.cursor() as cursor:
        # Somebody's long transaction holds the table that `migrate` is about to look into.
        cursor.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        log = tmp_path / "log"
        running = migrate(log)
        while b"migrate.lock_busy" not in log.read_bytes():
            assert running.poll() is None, log.read_text()

    assert running.wait(60) == 0


def _one(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def migrate(log: Path | None = None) -> subprocess.Popen[bytes]:
    output = log.open("wb") if log else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, "manage.py", "migrate"],
            env={**os.environ, "DATABASE_URL": database_url()},
            stdout=output,
            stderr=output,
        )
    finally:
        if log:
            output.close()  # type: ignore[union-attr]
