"""How long what was said is kept: on each stream the newest KEPT, and all that is younger than
REALTIME_HISTORY_MINUTES.

Whoever asks for what is gone is told so: `recovered: false`. Deleting and the mark of how far
it came are one transaction, and a recovery believes only rows that are there, without a gap.
"""

from datetime import datetime, timedelta

from django.conf import settings

from core import pruning
from realtime.models import Stream

KEPT = 1_000
BATCH = 1_000
"""Messages that go in one transaction: some 20 ms."""


def register() -> None:
    pruning.register("realtime messages", trim)


def trim(now: datetime, dry_run: bool = False) -> int:
    """Delete what need not be kept; return how many messages went, or would go."""
    before = now - timedelta(minutes=settings.REALTIME_HISTORY_MINUTES)
    total = 0
    for name in Stream.objects.longer_than(KEPT):
        upto = Stream.objects.unneeded_upto(name, before=before, kept=KEPT)
        total += Stream.objects.count_upto(name, upto) if dry_run else _trim(name, upto)
    return total


def _trim(name: str, upto: int) -> int:
    return pruning.in_batches(lambda limit: Stream.objects.trim(name, upto, limit), batch=BATCH)
