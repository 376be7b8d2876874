"""Saying that this worker lives, and taking up the work of those that no longer do."""

import time
from collections.abc import Callable

import structlog
from django.db import transaction

from core.jobs import repositories, runner
from core.jobs.models import JobFailure
from core.jobs.outage import Outage
from core.jobs.records import StoredJob
from core.jobs.timing import timing

log = structlog.get_logger(__name__)


class Liveness:
    """The heartbeat of one worker, and its eye on the others."""

    def __init__(self, *, running: Callable[[], set[int]], outage: Outage) -> None:
        self.worker_id: int | None = None
        self._running = running
        self._outage = outage
        self._last_beat = 0.0
        self._steady_since = 0.0
        self._missing: set[int] = set()

    def step(self) -> float:
        worker_id = self._beat()
        self._outage.over()
        self._return_lost_claims(worker_id)
        if self._is_steady():
            sweep()
        return timing().heartbeat

    def leave(self) -> None:
        """Return what still runs, without counting it against the jobs, and sign off."""
        if self.worker_id is None:
            return
        with transaction.atomic():
            repositories.lock_worker(worker_id=self.worker_id)  # it claims nothing from now on
            for stored in repositories.doing(worker_id=self.worker_id):
                repositories.put_back(stored, at=None, attempted=False)
            repositories.forget_worker(worker_id=self.worker_id)

    def _beat(self) -> int:
        if self.worker_id is None or not repositories.beat(worker_id=self.worker_id):
            # At the start, or after a silence so long that the others took our jobs. Those that
            # still run here can't be ended twice: their end is written under the old number.
            self.worker_id = repositories.register_worker()
        now = time.monotonic()
        if now - self._last_beat > 2 * timing().heartbeat:
            self._steady_since = now
        self._last_beat = now
        return self.worker_id

    def _is_steady(self) -> bool:
        return time.monotonic() - self._steady_since >= timing().steady

    def _return_lost_claims(self, worker_id: int) -> None:
        """Put back what the database gave us and a breaking connection kept from us.

        Missing twice in a row, because a job claimed in this moment is not yet among the running.
        """
        known = self._running()
        lost = {
            stored.id: stored
            for stored in repositories.doing(worker_id=worker_id)
            if stored.id not in known
        }
        for job_id in self._missing & set(lost):
            interrupted(lost[job_id])
        self._missing = set(lost)


@transaction.atomic
def sweep() -> int:
    """Let the jobs of dead workers run again, or park them; return how many there were.

    Safe with many workers doing it at once: each takes the rows the others have not locked.
    """
    seconds = timing().stalled
    found = repositories.stalled(seconds=seconds)
    for stored in found:
        interrupted(stored)
    repositories.forget_dead_workers(seconds=seconds)
    return len(found)


@transaction.atomic
def interrupted(stored: StoredJob) -> None:
    """Let a job that was cut off run again; park it when that has happened too often."""
    known = JobFailure.objects.find(stored.id)
    deaths = (known.deaths if known else 0) + 1
    if deaths >= timing().deaths:
        reason = f"{deaths} workers died while running it, so it was not given to another."
        runner.park(stored, reason=reason, deaths=deaths)
        log.error("job.parked", job_id=stored.id, job=stored.name, reason=reason)
        return
    repositories.put_back(stored, at=None, attempted=False)
    JobFailure.objects.remember(stored, deaths=deaths)
    log.warning("job.interrupted", job_id=stored.id, job=stored.name, deaths=deaths)
