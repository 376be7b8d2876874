"""What flags throw away, and when. Registered by FlagsConfig.ready()."""

from datetime import datetime, timedelta

from core import pruning
from flags.models import FlagUsage, PlannedChange

USAGE_KEPT_FOR = timedelta(days=90)
PLANS_KEPT_FOR = timedelta(days=365)
"""After they ended; the history of flags tells of them for ever."""


def register() -> None:
    pruning.register("usage of flags", prune_usage)
    pruning.register("planned changes of flags", prune_plans)


def prune_usage(now: datetime, dry_run: bool) -> int:
    old = FlagUsage.objects.older_than(now - USAGE_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def prune_plans(now: datetime, dry_run: bool) -> int:
    old = PlannedChange.objects.ended_before(now - PLANS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
