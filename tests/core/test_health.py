import asyncio
from collections.abc import Iterator

import orjson
import pytest
from django.db import connection
from django.test import Client

from core import health, lifecycle
from core.jobs.repositories import forget_worker, register_worker


@pytest.fixture(autouse=True)
def not_draining() -> object:
    yield
    lifecycle._draining.clear()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A worker that has just said that it lives."""
    worker_id = register_worker()
    yield
    forget_worker(worker_id=worker_id)


async def test_all_is_well(worker: None) -> None:  # PLT 19
    assert await health.ready() == (200, {"status": "ok", "failed": []})


async def test_without_a_worker_it_serves_on_degraded(transactional_db: None) -> None:  # PLT 19
    assert await health.ready() == (200, {"status": "degraded", "failed": ["worker"]})


@pytest.mark.django_db(transaction=True)
async def test_a_schema_behind_the_code_takes_no_traffic() -> None:  # PLT 19
    applied = {("core", "0001_jobs")}

    known = health._known_migrations()

    assert known - applied
    assert await health.migrations_applied()


def test_a_missing_migration_is_seen(transactional_db: None) -> None:  # PLT 19
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core' RETURNING name")
        names = cursor.fetchall()
    try:
        response = Client().get("/health/ready")
    finally:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('core', %s, now())",
                names,
            )

    assert response.status_code == 503
    assert orjson.loads(response.content) == {
        "status": "unavailable",
        "failed": ["migrations", "worker"],
    }


async def test_without_redis_it_serves_on_degraded(
    worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    async def silent() -> bool:
        return False

    monkeypatch.setitem(health.OPTIONAL, "redis", silent)

    assert await health.ready() == (200, {"status": "degraded", "failed": ["redis"]})


async def test_a_draining_process_takes_no_traffic(worker: None) -> None:  # PLT 19
    lifecycle.start_draining()

    assert await health.ready() == (503, {"status": "unavailable", "failed": ["draining"]})


async def test_a_probe_that_hangs_counts_as_failed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    async def hanging() -> bool:
        await asyncio.Event().wait()
        return True

    health.register("printer", hanging)
    try:
        status, body = await health.ready()
    finally:
        del health.OPTIONAL["printer"]

    assert (status, body["status"]) == (200, "degraded")
    assert "printer" in body["failed"]


def test_live_touches_nothing(django_db_blocker: object) -> None:  # PLT 19
    response = Client().get("/health/live")

    assert response.status_code == 200
    assert orjson.loads(response.content) == {"status": "ok"}
