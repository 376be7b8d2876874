"""What people do with jobs: look, defer one by name, retry what failed, forget what is old."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.errors import ConflictError, NotFoundError
from core.jobs import redacting, registry, repositories
from core.jobs.models import JobFailure
from core.jobs.records import FinishedJob, StoredJob

KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)
"""Longer, so that whoever comes back from holidays still finds what went wrong."""
BATCH = 1000


def overview(*, status: str | None, queue: str | None, limit: int) -> list[dict[str, Any]]:
    """Return jobs, the newest first, as a person or a script reads them."""
    stored = repositories.search(status=status, queue=queue, limit=limit)
    failures = JobFailure.objects.by_job([job.id for job in stored])
    return [_described(job, failures.get(job.id)) for job in stored]


def defer(*, name: str, arguments: Mapping[str, Any]) -> int | None:
    """Defer a job by its name. Raises NotFoundError, or TypeError for arguments that don't fit."""
    registry.load()
    known = registry.find(name)
    if known is None:
        raise NotFoundError(f"There is no job {name}. Known: {', '.join(registry.names())}.")
    return known.defer(**arguments)


@transaction.atomic
def retry(*, ids: Sequence[int] | None, dry_run: bool = False) -> list[int]:
    """Queue failed jobs anew, all of them when `ids` is None; return which.

    Raises NotFoundError when one of `ids` has not failed: then none is queued.
    """
    found = repositories.failed(ids=ids)
    missing = sorted(set(ids or ()) - {job.id for job in found})
    if missing:
        listed = ", ".join(map(str, missing))
        raise NotFoundError(f"No failed job has the id {listed}. Nothing was changed.")
    if dry_run:
        return [job.id for job in found]
    revived = [job.id for job in found if repositories.revive(job)]
    if ids is not None and len(revived) < len(found):
        raise ConflictError("Another job with the same queueing lock waits. Nothing was changed.")
    JobFailure.objects.forget(revived)
    return revived


def purge(now: datetime, dry_run: bool) -> int:
    """Delete ended jobs that are old enough, a thousand at a time; return how many."""
    position, purged = 0, 0
    while batch := repositories.oldest_after(position, limit=BATCH):
        position = batch[-1].id
        old = [job.id for job in batch if _is_old(job, now)]
        purged += len(old) if dry_run or not old else repositories.delete(old)
        if batch[-1].created_at > now - KEPT:
            break  # what was made later can't have ended earlier
    return purged


def _is_old(job: FinishedJob, now: datetime) -> bool:
    kept = FAILED_KEPT if job.status == "failed" else KEPT
    return job.finished_at is not None and job.finished_at < now - kept


def _described(job: StoredJob, failure: JobFailure | None) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "queue": job.queue,
        "status": job.status,
        "attempts": job.attempts,
        "scheduled_at": job.scheduled_at,
        "arguments": redacting.arguments(job.arguments),
        "deaths": failure.deaths if failure else 0,
        "error": _joined([failure.error_class, failure.error_message]) if failure else None,
        "reason": (failure.reason or None) if failure else None,
        "parked_at": failure.parked_at if failure else None,
    }


def _joined(parts: Iterable[str]) -> str | None:
    return ": ".join(part for part in parts if part) or None
