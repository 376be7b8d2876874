"""What has served its time and may go. Each app registers its own from apps.py."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime

import structlog
from django.db import connection

from core.errors import ConflictError
from core.postgres.locks import AdvisoryLock

log = structlog.get_logger(__name__)

Prune = Callable[[datetime, bool], int]
"""Takes `now` and `dry_run`; returns how many rows went, or would go. It deletes in batches of at
most 1 000 rows, each a transaction, so that it can be killed and started again at any point."""

_prunes: dict[str, Prune] = {}


class PruneRunningError(ConflictError):
    detail = "Another prune is running. Nothing was done here."


def register(name: str, prune: Prune) -> None:
    """Add a prune; a second one of the same name replaces the first."""
    _prunes[name] = prune


def in_batches(delete: Callable[[int], int], *, batch: int = 1000) -> int:
    """Call `delete(limit)` until it finds less than a full batch; return how much went in all."""
    total = 0
    while True:
        deleted = delete(batch)
        total += deleted
        if deleted < batch:
            return total


def run(*, now: datetime, dry_run: bool = False) -> dict[str, int | None]:
    """Run every prune; return the rows of each, None for one that failed (it is in the log).

    Raises PruneRunningError when another process is at it.
    """
    with _alone():
        return {
            name: _attempt(name, prune, now, dry_run) for name, prune in sorted(_prunes.items())
        }


def _attempt(name: str, prune: Prune, now: datetime, dry_run: bool) -> int | None:
    try:
        return prune(now, dry_run)
    except Exception:
        # One broken prune must not let everything else grow without end.
        log.exception("prune.failed", prune=name)
        return None


@contextmanager
def _alone() -> Generator[None]:
    # Held by the session, not by a transaction: every batch commits on its own.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.PRUNE])
        (mine,) = cursor.fetchone()
    if not mine:
        raise PruneRunningError
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [AdvisoryLock.PRUNE])
