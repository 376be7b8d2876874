"""Every query on jobs. The tables, and the SQL that claims a job, are procrastinate's."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString, Self

from django.db import transaction
from procrastinate import sql
from procrastinate.types import JobToDefer
from psycopg.types.json import Jsonb

from core.jobs.records import FinishedJob, NewJob, StoredJob
from core.jobs.rows import changed, execute, select
from core.postgres.locks import AdvisoryLock
from core.repositories import Repository

if TYPE_CHECKING:
    from core.jobs.models import JobFailure

STATUSES = ("todo", "doing", "succeeded", "failed", "cancelled")


# -- Putting in ------------------------------------------------------------------------------------


def insert(jobs: Sequence[NewJob]) -> list[int]:
    """Store jobs with the current transaction. A taken queueing lock raises IntegrityError."""
    deferred = [
        JobToDefer(
            queue_name=job.queue,
            task_name=job.name,
            priority=job.priority,
            lock=job.lock,
            queueing_lock=job.queueing_lock,
            args=Jsonb(job.arguments),  # type: ignore[arg-type]  # the driver wants it wrapped
            scheduled_at=job.schedule_at,
        )
        for job in jobs
    ]
    return [
        row["id"]
        for row in select(sql.queries["defer_jobs"], jobs=[tuple(row) for row in deferred])
    ]


@transaction.atomic
def insert_tick(job: NewJob, *, tick: datetime) -> int | None:
    """Store a periodic job unless this tick, or a later one, has had its job already.

    procrastinate forgets earlier ticks when it stores a later one, so a worker that is late could
    run an old tick twice: hence the look at later ones, and the lock that makes it hold.
    """
    execute("SELECT pg_advisory_xact_lock(%(key)s)", key=AdvisoryLock.PERIODIC_TICK)
    stamp = int(tick.timestamp())
    served = select(
        "SELECT 1 AS one FROM procrastinate_periodic_defers"
        " WHERE task_name = %(name)s AND defer_timestamp >= %(stamp)s LIMIT 1",
        name=job.name,
        stamp=stamp,
    )
    if served:
        return None
    rows = select(
        sql.queries["defer_periodic_job"],
        task_name=job.name,
        periodic_id="",
        defer_timestamp=stamp,
        queue=job.queue,
        priority=job.priority,
        lock=job.lock,
        queueing_lock=job.queueing_lock,
        args=Jsonb(job.arguments),
    )
    return int(rows[0]["id"])


# -- Working ---------------------------------------------------------------------------------------


def claim(*, queues: Sequence[str] | None, worker_id: int, limit: int = 1) -> list[StoredJob]:
    """Hand due jobs to a worker and to no other: one round trip and one commit for all of them.

    Each call of procrastinate's sees what the one before claimed. A job with deaths comes last.
    """
    of = list(queues) if queues else None
    return _stored_all(_CLAIM, queues=of, worker_id=worker_id, limit=limit)


def finish(job: StoredJob, *, status: str) -> bool:
    """Write the end of a job; False when it is no longer this worker's to end."""
    return changed(
        "UPDATE procrastinate_jobs SET status = %(status)s::procrastinate_job_status,"
        " attempts = attempts + 1, abort_requested = false, worker_id = NULL"
        " WHERE id = %(id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker_id)s",
        id=job.id,
        worker_id=job.worker_id,
        status=status,
    )


def put_back(job: StoredJob, *, at: datetime | None, attempted: bool) -> bool:
    """Return a job to its queue; False when it is no longer this worker's.

    A waiting twin with the same queueing lock will do the same work: then this one is cancelled.
    """
    return changed(
        "UPDATE procrastinate_jobs AS job SET attempts = attempts + %(attempts)s,"
        " scheduled_at = %(at)s, abort_requested = false, worker_id = NULL,"
        " status = CASE WHEN EXISTS (SELECT 1 FROM procrastinate_jobs AS twin"
        "   WHERE twin.queueing_lock = job.queueing_lock AND twin.status = 'todo')"
        " THEN 'cancelled' ELSE 'todo' END::procrastinate_job_status"
        " WHERE id = %(id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker_id)s",
        id=job.id,
        worker_id=job.worker_id,
        at=at,
        attempts=int(attempted),
    )


def doing(*, worker_id: int) -> list[StoredJob]:
    """Return what the database believes this worker is running."""
    return _stored_all(
        f"{_SELECT} WHERE job.status = 'doing' AND job.worker_id = %(worker_id)s ORDER BY job.id",
        worker_id=worker_id,
    )


def stalled(*, seconds: float) -> list[StoredJob]:
    """Lock and return running jobs whose worker is gone or silent; call inside atomic()."""
    return _stored_all(
        f"{_SELECT} LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id"
        " WHERE job.status = 'doing' AND (worker.id IS NULL"
        "   OR worker.last_heartbeat < now() - make_interval(secs => %(seconds)s))"
        " ORDER BY job.id LIMIT 100 FOR UPDATE OF job SKIP LOCKED",
        seconds=seconds,
    )


# -- Workers ---------------------------------------------------------------------------------------


def register_worker() -> int:
    return int(select(sql.queries["register_worker"])[0]["worker_id"])


def beat(*, worker_id: int) -> bool:
    """Say that a worker lives; False when the others have given it up and forgotten it."""
    return changed(
        "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(id)s", id=worker_id
    )


def lock_worker(*, worker_id: int) -> None:
    """Keep a worker from claiming jobs until the transaction ends: its key can't be referred to."""
    execute("SELECT 1 FROM procrastinate_workers WHERE id = %(id)s FOR UPDATE", id=worker_id)


def forget_worker(*, worker_id: int) -> None:
    execute("DELETE FROM procrastinate_workers WHERE id = %(id)s", id=worker_id)


def forget_dead_workers(*, seconds: float) -> None:
    """Remove silent workers that own no running job any more."""
    execute(
        "DELETE FROM procrastinate_workers AS worker"
        " WHERE last_heartbeat < now() - make_interval(secs => %(seconds)s)"
        " AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job"
        "   WHERE job.worker_id = worker.id AND job.status = 'doing')",
        seconds=seconds,
    )


def heartbeat_age() -> timedelta | None:
    """Return how long ago any worker last said that it lives; None when there is none."""
    rows = select("SELECT now() - max(last_heartbeat) AS age FROM procrastinate_workers")
    age: timedelta | None = rows[0]["age"]
    return age


# -- Looking and repairing -------------------------------------------------------------------------


def search(
    *, status: str | None = None, queue: str | None = None, name: str | None = None, limit: int = 50
) -> list[StoredJob]:
    """Return jobs, the newest first."""
    return _stored_all(
        f"{_SELECT} WHERE (%(status)s::text IS NULL OR job.status::text = %(status)s)"
        " AND (%(queue)s::text IS NULL OR job.queue_name = %(queue)s)"
        " AND (%(name)s::text IS NULL OR job.task_name = %(name)s)"
        " ORDER BY job.id DESC LIMIT %(limit)s",
        status=status,
        queue=queue,
        name=name,
        limit=limit,
    )


def failed(*, ids: Iterable[int] | None) -> list[StoredJob]:
    """Lock and return failed jobs, all of them when `ids` is None; call inside atomic()."""
    return _stored_all(
        f"{_SELECT} WHERE job.status = 'failed'"
        " AND (%(ids)s::bigint[] IS NULL OR job.id = ANY(%(ids)s::bigint[]))"
        " ORDER BY job.id FOR UPDATE OF job",
        ids=None if ids is None else list(ids),
    )


def revive(job: StoredJob) -> bool:
    """Queue a failed job anew, with all its attempts; False when a twin waits already."""
    return changed(
        "UPDATE procrastinate_jobs AS job SET status = 'todo', attempts = 0,"
        " scheduled_at = NULL, worker_id = NULL"
        " WHERE id = %(id)s AND status = 'failed' AND NOT EXISTS ("
        "   SELECT 1 FROM procrastinate_jobs AS twin"
        "   WHERE twin.queueing_lock = job.queueing_lock AND twin.status = 'todo')",
        id=job.id,
    )


def oldest_after(job_id: int, *, limit: int) -> list[FinishedJob]:
    """Return jobs in the order they were made, each with the moment it ended.

    The walk by primary key is what keeps a purge cheap: nothing indexes the end of a job.
    """
    rows = select(
        "SELECT job.id, job.status::text AS status, min(event.at) AS created_at,"
        " max(event.at) FILTER (WHERE event.type IN ('succeeded', 'failed', 'cancelled', 'aborted')"
        "   AND job.status IN ('succeeded', 'failed', 'cancelled', 'aborted')) AS finished_at"
        " FROM (SELECT id, status FROM procrastinate_jobs WHERE id > %(id)s"
        "   ORDER BY id LIMIT %(limit)s) AS job"
        " JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type <> 'scheduled'"
        " GROUP BY job.id, job.status ORDER BY job.id",
        id=job_id,
        limit=limit,
    )
    return [FinishedJob(**row) for row in rows]


@transaction.atomic
def delete(ids: Sequence[int]) -> int:
    """Delete jobs, their history and what is known of their failures."""
    from core.jobs.models import JobFailure

    JobFailure.objects.of_jobs(ids).delete()
    return execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%(ids)s)", ids=list(ids))


class JobFailureRepository(Repository["JobFailure"]):
    def of_jobs(self, ids: Iterable[int]) -> Self:
        return self.filter(job_id__in=list(ids))

    def remember(self, job: StoredJob, **facts: Any) -> "JobFailure":
        """Write facts about a job's failing, whether or not some were known."""
        row, _ = self.update_or_create(job_id=job.id, defaults={"job_name": job.name, **facts})
        return row

    def forget(self, ids: Iterable[int]) -> None:
        self.of_jobs(ids).delete()

    def by_job(self, ids: Iterable[int]) -> Mapping[int, "JobFailure"]:
        return {row.job_id: row for row in self.of_jobs(ids)}


# -- How ----------------------------------------------------------------------------------------
_SELECT: LiteralString = (
    "SELECT job.id, job.task_name, job.queue_name, job.status::text AS status, job.args,"
    " job.attempts, job.scheduled_at, job.worker_id FROM procrastinate_jobs AS job"
)

# The second call's argument names the row before, or one call would do for all.
_CLAIM: LiteralString = """WITH RECURSIVE claimed AS (
    SELECT 1 AS place, job.*, (SELECT deaths FROM core_jobfailure WHERE job_id = job.id) AS deaths
    FROM procrastinate_fetch_job_v2(%(queues)s::varchar[], %(worker_id)s) AS job
    UNION ALL
    SELECT place + 1, job.*, (SELECT deaths FROM core_jobfailure WHERE job_id = job.id) AS deaths
    FROM claimed, procrastinate_fetch_job_v2(%(queues)s::varchar[], claimed.worker_id) AS job
    WHERE claimed.id IS NOT NULL AND coalesce(claimed.deaths, 0) = 0 AND place < %(limit)s)
SELECT id, task_name, queue_name, status::text AS status, args, attempts, scheduled_at, worker_id,
    lock, deaths FROM claimed WHERE id IS NOT NULL ORDER BY place"""


def _stored_all(query: str, **arguments: Any) -> list[StoredJob]:
    return [_stored(row) for row in select(query, **arguments)]


def _stored(row: Mapping[str, Any]) -> StoredJob:
    return StoredJob(
        id=row["id"],
        name=row["task_name"],
        queue=row["queue_name"],
        status=row["status"],
        arguments=json.loads(row["args"]),
        attempts=row["attempts"],
        scheduled_at=row["scheduled_at"],
        worker_id=row["worker_id"],
        lock=row.get("lock"),
        deaths=row.get("deaths"),
    )
