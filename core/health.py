"""Health probes. They run on the event loop, so that they answer while every thread is busy.

`live` touches nothing. `ready` is 503 only when this process should get no traffic: the database is
away, its schema is behind the code, or the process is draining. Without Redis it serves on,
degraded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, LiteralString

import orjson
import psycopg
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse

from core import lifecycle, redis
from core.http import tracing
from core.redis import StoreUnavailableError

PROBE_SECONDS = 0.8
OF_DJANGO = {"context", "cursor_factory", "prepare_threshold"}
"""Parameters of Django's connections that a plain one is better without."""

Check = Callable[[], Awaitable[bool]]


async def database_answers() -> bool:
    """Ask over a connection of its own, so that a pool of stuck threads can't hide the answer."""
    return await _applied_migrations() is not None


async def migrations_applied() -> bool:
    applied = await _applied_migrations()
    return applied is None or not (_known_migrations() - applied)


async def redis_answers() -> bool:
    try:
        return bool(await redis.acall(lambda client: client.ping()))
    except StoreUnavailableError:
        return False


async def worker_beats() -> bool:
    """Tell whether a worker has said in the last minute that it lives."""
    rows = await _ask(
        "SELECT max(last_heartbeat) > now() - interval '1 minute' FROM procrastinate_workers"
    )
    return bool(rows and rows[0][0])


async def _applied_migrations() -> set[tuple[str, str]] | None:
    rows = await _ask("SELECT app, name FROM django_migrations")
    return None if rows is None else set(rows)


async def _ask(query: LiteralString) -> list[Any] | None:
    """Return rows; none for a table that does not exist yet, None from a database that is away."""
    parameters = connections["default"].get_connection_params()
    try:
        connection = await psycopg.AsyncConnection.connect(
            **{name: value for name, value in parameters.items() if name not in OF_DJANGO},
            autocommit=True,
        )
        async with connection:
            return await (await connection.execute(query)).fetchall()
    except psycopg.errors.UndefinedTable:
        return []
    except psycopg.Error:
        return None


@cache
def _known_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)


REQUIRED: dict[str, Check] = {"database": database_answers, "migrations": migrations_applied}
OPTIONAL: dict[str, Check] = {"redis": redis_answers, "worker": worker_beats}


def register(name: str, check: Check, *, required: bool = False) -> None:
    """Add a check of your own; only a required one takes the process out of traffic."""
    (REQUIRED if required else OPTIONAL)[name] = check


async def ready() -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and body of /health/ready, within a second."""
    checks = REQUIRED | OPTIONAL
    results = await asyncio.gather(*(_run(check) for check in checks.values()))
    failed = [name for name, fine in zip(checks, results, strict=True) if not fine]
    if lifecycle.is_draining():
        failed.append("draining")
    down = "draining" in failed or bool(set(failed) & REQUIRED.keys())
    state = "unavailable" if down else "degraded" if failed else "ok"
    return 503 if down else 200, {"status": state, "failed": failed}


async def _run(check: Check) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await check()
    except TimeoutError:
        return False


async def application(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application of /health/live and /health/ready."""
    status, body = await _answer(scope["path"])
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    named = HEADERS | {"X-Request-ID": tracing.request_id(given)}
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    content = b"" if scope["method"] == "HEAD" else orjson.dumps(body)
    await send({"type": "http.response.body", "body": content})


def view(request: HttpRequest, probe: str) -> HttpResponse:
    """Serve the same under WSGI."""
    status, body = async_to_sync(_answer)(f"/health/{probe}")
    return HttpResponse(orjson.dumps(body), status=status, headers=HEADERS)


async def _answer(path: str) -> tuple[int, dict[str, Any]]:
    if path == "/health/live":
        return 200, {"status": "ok"}
    if path == "/health/ready":
        return await ready()
    return 404, {"status": "unknown", "detail": "Ask for /health/live or /health/ready."}


HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
