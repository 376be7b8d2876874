"""Puts periodic jobs in the queue, each tick once over all workers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from croniter import croniter  # type: ignore[import-untyped]  # it ships no types
from django.db import IntegrityError
from django.utils import timezone

from core.jobs import registry, repositories
from core.jobs.outage import Outage
from core.jobs.records import NewJob
from core.jobs.registry import Job, Periodic

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS = 30.0
"""The computer's clock may be set; we look at it this often at least."""


class Clock:
    def __init__(self, *, outage: Outage) -> None:
        self._outage = outage
        self._served: dict[str, datetime] = {}

    def step(self) -> float:
        """Queue what is due; return the seconds until something else is."""
        now = timezone.now()
        for made, schedule in registry.all_periodic():
            tick = last_tick(schedule.cron, now=now)
            if self._served.get(made.name) != tick:
                self._serve(made, schedule, tick, now)
        return self._pause(now)

    def _serve(self, made: Job[Any], schedule: Periodic, tick: datetime, now: datetime) -> None:
        if now - tick <= schedule.catch_up:
            queue_tick(made, tick=tick)
            self._outage.over()
        self._served[made.name] = tick

    def _pause(self, now: datetime) -> float:
        ticks = [next_tick(schedule.cron, now=now) for _, schedule in registry.all_periodic()]
        seconds = min(((tick - timezone.now()).total_seconds() for tick in ticks), default=60.0)
        return min(max(seconds, 0.0) + 0.01, LONGEST_PAUSE_SECONDS)


def queue_tick(made: Job[Any], *, tick: datetime) -> int | None:
    """Queue one tick's job; None when it had its job, or when its forerunner still waits."""
    new = NewJob(
        name=made.name,
        queue=made.queue,
        arguments={},
        priority=made.priority,
        lock=made.lock,
        queueing_lock=made.queueing_lock,
    )
    try:
        job_id = repositories.insert_tick(new, tick=tick)
    except IntegrityError:
        log.info("job.tick_skipped", job=made.name, tick=tick.isoformat())
        return None
    if job_id is not None:
        log.info("job.tick_queued", job=made.name, tick=tick.isoformat(), job_id=job_id)
    return job_id


def last_tick(cron: str, *, now: datetime) -> datetime:
    """Return the latest tick that is not after `now`."""
    # croniter's "previous" leaves out the moment itself, hence the microsecond.
    return _at(croniter(cron, now + timedelta(microseconds=1)).get_prev(float))


def next_tick(cron: str, *, now: datetime) -> datetime:
    return _at(croniter(cron, now).get_next(float))


def _at(timestamp: float) -> datetime:
    return datetime.fromtimestamp(round(timestamp), tz=UTC)
