"""How often flags are asked about: counted in memory, written in batches off every path.

Counts are what tells that a flag is no longer used. They are near the truth: two threads that count
the same flag at the same instant may count once, and what a killed process held is lost.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from django.db import DatabaseError, InterfaceError

log = structlog.get_logger(__name__)

Key = tuple[str, str, bool, str]
"""Environment, flag, whether it was on, variant or nothing."""
MOST_KEYS = 50_000
"""Held while the database is away; beyond it nothing new is counted."""

_counts: dict[Key, int] = {}


def count(key: Key, times: int = 1) -> None:
    counts = _counts
    if key in counts:
        counts[key] += times
    elif len(counts) < MOST_KEYS:
        counts[key] = times


def take() -> dict[Key, int]:
    """Return what was counted, and count from nothing."""
    global _counts
    taken, _counts = _counts, {}
    return taken


def flush(*, now: datetime | None = None) -> int:
    """Write what was counted; return how many rows. What can't be written is counted again."""
    taken = take()
    if not taken:
        return 0
    hour = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    try:
        return _write(taken, hour)
    except (DatabaseError, InterfaceError) as error:
        log.warning("flags.usage_not_written", error=str(error).strip())
        for key, times in taken.items():
            count(key, times)
        return 0


def _write(taken: Mapping[Key, int], hour: datetime) -> int:
    from flags.models import FlagUsage

    return FlagUsage.objects.add_counts(taken, hour=hour)
