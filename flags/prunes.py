"""What flags throw away, and when. Registered by FlagsConfig.ready()."""

from datetime import datetime, timedelta

from core import pruning
from flags.models import FlagUsage

USAGE_KEPT_FOR = timedelta(days=90)


def register() -> None:
    pruning.register("usage of flags", prune_usage)


def prune_usage(now: datetime, dry_run: bool) -> int:
    old = FlagUsage.objects.older_than(now - USAGE_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
