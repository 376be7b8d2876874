"""When exposures and conversions go: with the person, or some time after the experiment.

The tallies name nobody and stay, so results do as well.
"""

from datetime import datetime, timedelta

from accounts.events import AccountDeleted
from core import pruning
from core.events import on
from flags.models import Conversion, Experiment, Exposure

KEPT_FOR = timedelta(days=90)
"""After the end of the experiment."""
AWAITED_FOR = timedelta(days=1)
"""So long a goal of somebody who is in no experiment waits for an exposure that comes late."""


def register() -> None:
    pruning.register("exposures of experiments", prune_exposures)
    pruning.register("goals of experiments", prune_conversions)


@on(AccountDeleted)
def forget_person(event: AccountDeleted) -> None:
    subject, experiments = str(event.user_id), Experiment.objects.by_people().ids()
    Exposure.objects.of_subject(subject, experiments).delete()
    Conversion.objects.of_subject(subject, experiments).delete()


def prune_exposures(now: datetime, dry_run: bool) -> int:
    over = Exposure.objects.of_experiments(Experiment.objects.over_before(now - KEPT_FOR).ids())
    return over.count() if dry_run else pruning.in_batches(over.remove_some)


def prune_conversions(now: datetime, dry_run: bool) -> int:
    ended = Experiment.objects.over_before(now - KEPT_FOR).ids()
    of_nobody = Conversion.objects.counting_for_nobody(before=now - AWAITED_FOR)
    kinds = [Conversion.objects.of_experiments(ended), of_nobody]
    if dry_run:
        return sum(each.count() for each in kinds)
    return sum(pruning.in_batches(each.remove_some) for each in kinds)
