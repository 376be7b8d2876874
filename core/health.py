"""Health probes. They run on the event loop, so that they answer while every thread is busy.

`live` touches nothing. `ready` is 503 only when this process should get no traffic: the database is
away, its schema is behind the code, or the process is draining. Without Redis it serves on,
degraded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import orjson
import structlog
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from core import health_database, lifecycle, redis
from core.api.exceptions import problem_response
from core.http import tracing
from core.http.policies import API_POLICY
from core.redis import StoreUnavailableError

log = structlog.get_logger(__name__)

PROBE_SECONDS = 0.9
REUSE_SECONDS = 1.0
"""For so long one look serves everybody who asks: probes of many balancers cost as much as one."""

Check = Callable[[], Awaitable[bool]]


async def database_answers() -> bool:
    return await health_database.state() is not None


async def migrations_applied() -> bool:
    """Tell whether the schema fits the code; a database that is away counts as another failure."""
    state = await health_database.state()
    return state is None or state.is_migrated


async def redis_answers() -> bool:
    try:
        return bool(await redis.acall(lambda client: client.ping()))
    except StoreUnavailableError:
        return False


async def worker_beats() -> bool:
    """Tell whether a worker has said in the last minute that it lives."""
    state = await health_database.state()
    return state is not None and state.worker_beats


REQUIRED: dict[str, Check] = {"database": database_answers, "migrations": migrations_applied}
OPTIONAL: dict[str, Check] = {"redis": redis_answers, "worker": worker_beats}


def register(name: str, check: Check, *, required: bool = False) -> None:
    """Add a check of your own; only a required one takes the process out of traffic."""
    (REQUIRED if required else OPTIONAL)[name] = check


class Looks:
    """One look at everything at a time, shared by all who ask while it runs and a second longer."""

    latest: asyncio.Task[list[str]] | None = None
    began_at = 0.0

    async def failed(self) -> list[str]:
        loop = asyncio.get_running_loop()
        latest = self.latest
        # Tests and WSGI ask from one loop after another, and a task belongs to its own.
        if latest is None or latest.get_loop() is not loop or self._is_old(latest, loop.time()):
            latest = self.latest = loop.create_task(_failed())
            self.began_at = loop.time()
        return list(await asyncio.shield(latest))  # a caller who leaves takes it from nobody

    def _is_old(self, look: asyncio.Task[list[str]], now: float) -> bool:
        return look.done() and now - self.began_at > REUSE_SECONDS


looks = Looks()


async def ready() -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and body of /health/ready, within a second."""
    failed = await looks.failed()
    if lifecycle.is_draining():
        failed.append("draining")
    down = "draining" in failed or bool(set(failed) & REQUIRED.keys())
    state = "unavailable" if down else "degraded" if failed else "ok"
    return 503 if down else 200, {"status": state, "failed": failed}


async def _failed() -> list[str]:
    checks = REQUIRED | OPTIONAL
    results = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
    return [name for name, fine in zip(checks, results, strict=True) if not fine]


async def _run(name: str, check: Check) -> bool:
    """Whatever goes wrong in a check, also in one of another app, means that it failed."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await check()
    except TimeoutError:
        return False
    except Exception:
        log.exception("health.check_broke", check=name)
        return False


async def application(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application of everything below /health/, without a thread."""
    request = ASGIRequest({**scope, "query_string": b""}, BytesIO())
    request_id = tracing.request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
    request.META["tenantry.request_id"] = request_id
    response = await _respond(request)
    response["X-Request-ID"] = request_id
    SecurityMiddleware(_respond).process_response(request, response)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    content = b"" if request.method == "HEAD" else response.content
    await send({"type": "http.response.body", "body": content})


def view(request: HttpRequest, probe: str) -> HttpResponse:
    """Serve the same under WSGI, where middleware adds what every answer carries."""
    return async_to_sync(_respond)(request)


async def _respond(request: HttpRequest) -> HttpResponse:
    if request.path_info == "/health/live":
        return _json(200, {"status": "ok"})
    if request.path_info == "/health/ready":
        return _json(*await ready())
    detail = "Ask for /health/live or /health/ready."
    response = problem_response(request, "not_found", 404, detail)
    response["Content-Security-Policy"] = API_POLICY
    return response


def _json(status: int, body: dict[str, Any]) -> HttpResponse:
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": API_POLICY}
    return HttpResponse(orjson.dumps(body), "application/json", status, headers=headers)
