import asyncio

import orjson
import pytest
from django.db import connection
from django.test import Client

from core import health, lifecycle


@pytest.fixture(autouse=True)
def not_draining() -> object:
    yield
    lifecycle._draining.clear()


async def test_all_is_well(db: None) -> None:  # PLT 19
    assert await health.ready() == (200, {"status": "ok", "failed": []})


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
    assert orjson.loads(response.content) == {"status": "unavailable", "failed": ["migrations"]}


async def test_without_redis_it_serves_on_degraded(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    async def silent() -> bool:
        return False

    monkeypatch.setitem(health.OPTIONAL, "redis", silent)

    assert await health.ready() == (200, {"status": "degraded", "failed": ["redis"]})


async def test_a_draining_process_takes_no_traffic(db: None) -> None:  # PLT 19
    lifecycle.start_draining()

    assert await health.ready() == (503, {"status": "unavailable", "failed": ["draining"]})


async def test_a_probe_that_hangs_counts_as_failed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    async def hanging() -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(health, "PROBE_SECONDS", 0.05)
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
