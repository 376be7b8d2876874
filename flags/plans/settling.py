"""Making lasting what was planned, when its time has come: for the worker, and for who looks."""

from datetime import datetime

from django.db import transaction

from flags.models import FlagRules, PlannedChange
from flags.plans import applying
from flags.services import changes, definitions, rules


def settle(*, now: datetime, environment: str | None = None, flag: str | None = None) -> int:
    """Apply what is due, in one environment or all, of one flag or all; return how much that was.

    Twice does no harm.
    """
    due = PlannedChange.objects.due(now).about(environment=environment, flag=flag)
    places = due.places()
    return sum(_settle_one(name, where, now=now) for name, where in places)


@transaction.atomic
def _settle_one(name: str, environment: str, *, now: datetime) -> int:
    where = changes.environment(environment)
    flag = definitions.by_name(name)
    row = FlagRules.objects.of(flag.pk).within(where.pk).locked().get()
    row.flag, row.environment = flag, where
    due = list(PlannedChange.objects.of_rules(flag.pk, where.pk).due(now).in_turn().locked())
    if not flag.is_archived:
        rules.settle(where, row, now=now)
        return len(due)
    for plan in due:
        plan.flag, plan.environment = flag, where
        applying.refuse(plan, applying.ARCHIVED, now=now)
    return len(due)
