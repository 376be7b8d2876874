"""Running one job: its log context, its errors, and what becomes of it."""

import inspect
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog
from asgiref.sync import async_to_sync
from django.db import close_old_connections, connection, reset_queries, transaction
from django.utils import timezone

from core.jobs import redacting, registry, repositories
from core.jobs.models import JobFailure
from core.jobs.records import StoredJob
from core.jobs.registry import CONTEXT_KEY, Job
from core.jobs.timing import retry_delay_seconds, timing

log = structlog.get_logger(__name__)

T = TypeVar("T")

UNKNOWN_RETRIES = 8
"""A job this code does not know may be from a newer release that is being rolled out."""

last_chance = threading.Lock()
"""Jobs under which workers have died all but once too often run one at a time in a process, so that
the next death says which of them it was."""


class Persist(Protocol):
    """Runs what writes an outcome; a worker's tries again until the database is back."""

    def __call__(self, write: Callable[[], T]) -> T: ...


class UnknownJobError(Exception):
    """No code here knows a job of this name."""


def at_once(write: Callable[[], T]) -> T:
    return write()


def run(stored: StoredJob, *, persist: Persist = at_once) -> None:
    """Run a claimed job and write what became of it. Raises only what `persist` raises."""
    carried = stored.arguments.get(CONTEXT_KEY) or {}
    with (
        structlog.contextvars.bound_contextvars(
            **carried, job_id=stored.id, job=stored.name, attempt=stored.attempts + 1
        ),
        _room(stored),
    ):
        started = time.monotonic()
        error = _attempt(stored)
        duration_ms = round((time.monotonic() - started) * 1000, 1)
        if error is None:
            _conclude(stored, persist, duration_ms)
        else:
            _recover(stored, error, persist, duration_ms)


def work_off(*, queues: Sequence[str] | None = None, limit: int = 1000) -> int:
    """Run everything that is due, here and now, and return how many jobs ran.

    On the caller's connection and within its transaction: made for tests and for shells.
    """
    registry.load()
    worker_id = repositories.register_worker()
    ran = 0
    while ran < limit and (found := repositories.claim(queues=queues, worker_id=worker_id)):
        run(found[0])
        ran += 1
    repositories.forget_worker(worker_id=worker_id)
    return ran


@transaction.atomic
def park(stored: StoredJob, *, reason: str, **facts: Any) -> bool:
    """Give a job up until a person retries it; False when it is no longer this worker's."""
    if not repositories.finish(stored, status="failed"):
        return False
    JobFailure.objects.remember(stored, reason=reason, parked_at=timezone.now(), **facts)
    return True


def is_suspect(stored: StoredJob) -> bool:
    """Tell whether workers have died under this job all but once too often."""
    return stored.deaths is not None and stored.deaths >= timing().deaths - 1


def _room(stored: StoredJob) -> AbstractContextManager[Any]:
    return last_chance if is_suspect(stored) else nullcontext()


def _attempt(stored: StoredJob) -> BaseException | None:
    if connection.in_atomic_block:  # work_off in a test: the connection is the caller's
        return _error(stored)
    close_old_connections()
    try:
        return _error(stored)
    finally:
        close_old_connections()
        reset_queries()


def _error(stored: StoredJob) -> BaseException | None:
    try:
        _call(registry.find(stored.name), stored)
    except BaseException as error:  # also SystemExit: a job may not end its worker
        return error
    return None


def _call(known: Job[Any] | None, stored: StoredJob) -> None:
    if known is None:
        raise UnknownJobError(f"No code here knows the job {stored.name}.")
    arguments = {key: value for key, value in stored.arguments.items() if key != CONTEXT_KEY}
    if inspect.iscoroutinefunction(known.function):
        async_to_sync(known.function)(**arguments)
    else:
        known.function(**arguments)


def _conclude(stored: StoredJob, persist: Persist, duration_ms: float) -> None:
    if persist(lambda: _succeed(stored)):
        log.info("job.succeeded", duration_ms=duration_ms)
    else:
        log.warning("job.taken_away", duration_ms=duration_ms)


def _recover(stored: StoredJob, error: BaseException, persist: Persist, duration_ms: float) -> None:
    known = registry.find(stored.name)
    attempts = stored.attempts + 1
    if attempts > (known.retries if known else UNKNOWN_RETRIES):
        reason = _reason(error, attempts)
        persist(lambda: park(stored, reason=reason, **_described(error)))
        shown = redacting.arguments(stored.arguments)
        log.error("job.parked", reason=reason, arguments=shown, exc_info=error)
        return
    at = timezone.now() + timedelta(seconds=retry_delay_seconds(attempts=attempts))
    persist(lambda: _try_again(stored, error, at))
    log.warning("job.failed", retry_at=at.isoformat(), duration_ms=duration_ms, exc_info=error)


def _succeed(stored: StoredJob) -> bool:
    if stored.deaths is None:  # nearly always: one statement, one round trip
        return repositories.finish(stored, status="succeeded")
    with transaction.atomic():
        finished = repositories.finish(stored, status="succeeded")
        if finished:
            JobFailure.objects.forget([stored.id])
    return finished


@transaction.atomic
def _try_again(stored: StoredJob, error: BaseException, at: datetime) -> None:
    if repositories.put_back(stored, at=at, attempted=True):
        JobFailure.objects.remember(stored, **_described(error))


def _reason(error: BaseException, attempts: int) -> str:
    if attempts == 1:
        return f"It failed with {_told(error)}"
    return f"It failed {attempts} times, the last time with {_told(error)}"


def _told(error: BaseException) -> str:
    described = _described(error)
    return ": ".join(part for part in described.values() if part)


def _described(error: BaseException) -> dict[str, str]:
    return {
        "error_class": type(error).__qualname__[:200],
        "error_message": redacting.text(str(error)),
    }
