"""Every query on how often flags were asked about."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import connection
from django.db.models import Max

from core.repositories import Repository

if TYPE_CHECKING:
    from flags.models import FlagUsage


class FlagUsageRepository(Repository["FlagUsage"]):
    def add_counts(
        self, counts: Mapping[tuple[str, str, bool, str], int], *, hour: datetime
    ) -> int:
        """Add to what the hour has; return how many rows that concerned."""
        rows: list[Any] = [[*key, hour, times] for key, times in sorted(counts.items())]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO flags_flagusage"
                " (environment_name, flag_name, enabled, variant, hour, count)"
                " VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (flag_name, environment_name, hour, enabled, variant)"
                " DO UPDATE SET count = flags_flagusage.count + excluded.count",
                rows,
            )
        return len(rows)

    def last_asked(self, environment: str) -> dict[str, datetime]:
        """Return the last hour in which each flag was asked about."""
        here = self.filter(environment_name=environment).values_list("flag_name")
        return dict(here.annotate(last=Max("hour")).order_by())

    def older_than(self, moment: datetime) -> Self:
        return self.filter(hour__lt=moment)
