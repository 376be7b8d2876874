"""Every query on flags that seem forgotten."""

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Count, Max, Min, Q

from core.repositories import Repository
from flags.repositories import FlagRulesRepository
from flags.usages.repositories import FlagUsageRepository

if TYPE_CHECKING:
    from flags.staleness.models import StaleFlag


class StaleFlagRepository(Repository["StaleFlag"]):
    def by_flag(self) -> "dict[UUID, StaleFlag]":
        return {row.flag_id: row for row in self}

    def with_flag(self) -> Self:
        """Load what the list shows."""
        return self.select_related("flag", "flag__owner")

    def looked_up(self, text: str) -> Self:
        return self.filter(flag__name__startswith=text)


def only_answers(
    usage: FlagUsageRepository, environment: str, *, since: datetime
) -> dict[str, tuple[bool, str]]:
    """Return flags asked about since then and before, and the one answer of all that time: whether
    on, and the variant, empty where there was none.
    """
    lately = Q(hour__gte=since)
    found = (
        usage.filter(environment_name=environment, count__gt=0)
        .values("flag_name")
        .annotate(
            first=Min("hour"),
            answers=Count("enabled", distinct=True, filter=lately),
            variants=Count("variant", distinct=True, filter=lately & ~Q(variant="")),
            was_on=BoolOr("enabled", filter=lately),
            variant_name=Max("variant", filter=lately),
        )
        .filter(first__lte=since, answers=1, variants__lte=1)
        .order_by()
    )
    return {row["flag_name"]: (row["was_on"], row["variant_name"] or "") for row in found}


def edited_at_by_flag(rules: FlagRulesRepository) -> dict[str, datetime]:
    """Return when the rules of each flag were changed last."""
    return dict(rules.values_list("flag__name", "updated_at"))
