import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client

from core import health, health_database, lifecycle
from core.jobs.repositories import forget_worker, register_worker
from core.postgres.base import ImpatientConnection


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

    known = health_database.known_migrations()

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


async def test_a_check_that_breaks_counts_as_failed(
    worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    async def broken() -> bool:
        raise RuntimeError("no paper")

    monkeypatch.setitem(health.OPTIONAL, "printer", broken)

    assert await health.ready() == (200, {"status": "degraded", "failed": ["printer"]})


async def test_who_asks_during_a_look_shares_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    looks = []
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow() -> bool:
        looks.append(1)
        begun.set()
        await release.wait()
        return True

    monkeypatch.setattr(health, "REQUIRED", {"slow": slow})
    monkeypatch.setattr(health, "OPTIONAL", {})
    leaver = asyncio.create_task(health.ready())
    await begun.wait()
    leaver.cancel()
    waiting = [asyncio.create_task(health.ready()) for _ in range(50)]
    release.set()
    answers = await asyncio.gather(*waiting)
    later = await health.ready()

    assert answers == [(200, {"status": "ok", "failed": []})] * 50
    assert later == answers[0]
    assert looks == [1]

    monkeypatch.setattr(health, "REUSE_SECONDS", 0.0)
    await health.ready()
    assert looks == [1, 1]


async def test_one_look_opens_one_connection(
    worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 19
    opened: list[int] = []
    connect = ImpatientConnection.connect

    def counted(*arguments: Any, **named: Any) -> Any:
        opened.append(1)
        return connect(*arguments, **named)

    monkeypatch.setattr(ImpatientConnection, "connect", counted)

    assert await health.ready() == (200, {"status": "ok", "failed": []})
    assert opened == [1]


async def ask(path: str, *, method: str = "GET", scheme: str = "http") -> tuple[int, Any, bytes]:
    """Call the ASGI application as a server does; return status, headers and body."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"\xff",
        "scheme": scheme,
        "headers": [(b"x-request-id", b"mine")],
    }
    await health.application(scope, None, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


async def test_an_unknown_probe_is_a_problem() -> None:  # PLT 11
    status, headers, body = await ask("/health/x")

    assert status == 404
    assert headers["content-type"] == "application/problem+json"
    assert orjson.loads(body)["code"] == "not_found"
    assert orjson.loads(body)["request_id"] == headers["x-request-id"] == "mine"


@pytest.mark.parametrize("path", ["/health/live", "/health/x"])
async def test_probes_are_protected_like_every_answer(settings: Any, path: str) -> None:  # PLT 21
    settings.SECURE_HSTS_SECONDS = 31_536_000

    _, plain, _ = await ask(path)
    _, secure, body = await ask(path, scheme="https", method="HEAD")

    assert plain["x-content-type-options"] == "nosniff"
    assert plain["referrer-policy"] == "same-origin"
    assert plain["cross-origin-opener-policy"] == "same-origin"
    assert plain["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert plain["cache-control"] == "no-store"
    assert "strict-transport-security" not in plain
    assert "max-age=31536000" in secure["strict-transport-security"]
    assert body == b""
