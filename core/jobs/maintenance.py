"""The job system's own periodic work."""

from datetime import timedelta

import structlog
from django.utils import timezone

from core import pruning
from core.jobs import services
from core.jobs.registry import periodic

log = structlog.get_logger(__name__)


@periodic(cron="17 3 * * *", catch_up=timedelta(days=1))
def prune_daily() -> None:
    """Delete what has served its time, at a quiet hour of most of our users."""
    try:
        pruned = pruning.run(now=timezone.now())
    except pruning.PruneRunningError:
        return
    log.info("prune.done", **pruned)


def register() -> None:
    pruning.register("jobs", services.purge)
