"""How long what was said is kept: on each stream the newest KEPT, and all that is younger than
REALTIME_HISTORY_MINUTES; but nothing for longer than REALTIME_HISTORY_DAYS, or everybody's stream
would hold more of their notifications than their list.

Whoever asks for what is gone is told so: `recovered: false`. Deleting and the mark of how far
it came are one transaction, and a recovery believes only rows that are there, without a gap.
"""

from datetime import datetime, timedelta

from django.conf import settings

from core import pruning
from realtime.models import Stream, StreamMessage

KEPT = 1_000
BATCH = 1_000
"""Messages that go in one transaction: some 20 ms."""


def register() -> None:
    pruning.register("realtime messages", trim)


def trim(now: datetime, dry_run: bool = False) -> int:
    """Delete what need not be kept; return how many messages went, or would go."""
    before = now - timedelta(minutes=settings.REALTIME_HISTORY_MINUTES)
    total = _trim_old(now - timedelta(days=settings.REALTIME_HISTORY_DAYS), dry_run)
    for name in Stream.objects.longer_than(KEPT):
        upto = Stream.objects.unneeded_upto(name, before=before, kept=KEPT)
        total += Stream.objects.count_upto(name, upto) if dry_run else _trim(name, upto)
    return total


def _trim(name: str, upto: int) -> int:
    return pruning.in_batches(lambda limit: Stream.objects.trim(name, upto, limit), batch=BATCH)


def _trim_old(before: datetime, dry_run: bool) -> int:
    if dry_run:
        return StreamMessage.objects.older_than(before)
    return pruning.in_batches(lambda limit: Stream.objects.trim_older(before, limit), batch=BATCH)
