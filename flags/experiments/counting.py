"""From rows to numbers: each new row is counted once, by one process at a time.

Writers insert and wait for nobody. Whoever counts takes what changed since, marks it, and adds it
to the tallies of the days, all in one transaction; so a look at results reads a few rows, however
many subjects there are.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, transaction

from flags import snapshots
from flags.experiments import recording
from flags.experiments.repositories import Exposed

log = structlog.get_logger(__name__)

BATCH = 5_000
Counts = Counter[tuple[UUID, date, str, str]]


def write_and_count() -> None:
    """Write what waits in memory, and count it; for the thread that follows. Never raises for a
    database that is away.
    """
    written = recording.flush()
    if not written and not snapshots.any_experiment():
        return
    try:
        count()
    except (DatabaseError, InterfaceError) as error:
        log.warning("flags.experiments_not_counted", error=str(error).strip())


def count() -> int:
    """Count all that is pending; return how many rows. Another one may be at it: then nothing."""
    total = 0
    while counted := count_some(BATCH):
        total += counted
    return total


@transaction.atomic
def count_some(limit: int) -> int:
    """Count at most so many exposures, and as many goals."""
    from flags.experiments.models import Conversion, ExperimentTally, Exposure

    if not ExperimentTally.objects.try_alone():
        return 0
    counts: Counts = Counter()
    exposed = Exposure.objects.count_some(limit)
    for each in exposed:
        counts[each.experiment_id, each.day, "" if each.is_mixed else each.variant, ""] += 1
    mixed = [each for each in exposed if each.is_mixed and each.was_counted]
    _take_back(mixed, counts)
    clean = [each for each in exposed if not each.is_mixed]
    if clean:
        Conversion.objects.await_count(clean)
    reached = Conversion.objects.count_some(limit)
    counts.update((pk, day, variant, goal) for pk, day, variant, goal in reached if variant)
    ExperimentTally.objects.add_counts(counts)
    return len(exposed) + len(reached)


def _take_back(mixed: Sequence[Exposed], counts: Counts) -> None:
    """Take subjects out that were counted, and have seen another variant since."""
    from flags.experiments.models import Conversion

    if not mixed:
        return
    for each in mixed:
        counts[each.experiment_id, each.day, each.variant, ""] -= 1
    for place in Conversion.objects.retract(mixed):
        counts[place] -= 1
