"""Every query on experiments, and on who saw and did what in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from core.postgres.locks import AdvisoryLock
from core.repositories import Repository

if TYPE_CHECKING:
    from flags.experiments.models import Conversion, Experiment, ExperimentTally, Exposure

Row = tuple[Any, str, str, datetime]
"""Experiment, subject, variant or goal, and when."""
Place = tuple[UUID, date, str, str]
"""Of a tally: experiment, day, variant and goal."""


# Of the document of an environment `e`: what evaluations there need to know.
RUNNING = """
SELECT coalesce(json_agg(json_build_object(
  'id', x.id, 'flag', x.flag_name, 'unit', x.unit, 'by_variant', x.by_variant,
  'arms', (SELECT json_agg(name) FROM jsonb_object_keys(x.weights) name), 'goals', x.goals,
  'starts_at', x.started_at, 'ends_at', x.ends_at
)), '[]')
FROM flags_experiment x WHERE x.environment_id = e.id AND x.ended_at IS NULL
"""


class ExperimentRepository(Repository["Experiment"]):
    def with_environment(self) -> Self:
        return self.select_related("environment")

    def open(self) -> Self:
        """Not ended, though the planned end may be over."""
        return self.filter(ended_at=None)

    def ended(self) -> Self:
        return self.exclude(ended_at=None)

    def listed(self) -> Self:
        return self.order_by("-created_at", "-id")

    def on(self, flag_name: str, environment_id: UUID) -> Self:
        return self.filter(flag_name=flag_name, environment_id=environment_id)

    def in_environment(self, environment_id: UUID) -> Self:
        return self.filter(environment_id=environment_id)

    def by_people(self) -> Self:
        """Whose subjects are accounts, or may be."""
        return self.exclude(unit="organization")

    def over_before(self, moment: datetime) -> Self:
        return self.filter(Q(ended_at__lt=moment) | Q(ended_at=None, ends_at__lt=moment))

    def looked_up(self, text: str) -> Self:
        """By the whole name of the flag, or by id."""
        try:
            return self.filter(Q(flag_name=text) | Q(pk=UUID(text)))
        except ValueError:
            return self.filter(flag_name=text)


# Who is exposed once more is passed over. The first variant stays; a second one marks the row, and
# the count takes it back. What belongs to an experiment that is over, or gone, is left out.
_SEEN = """
INSERT INTO flags_exposure
  (experiment_id, subject, variant, exposed_at, is_mixed, is_counted, is_pending)
SELECT e.id, s.subject, s.variant, s.at, false, false, true
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
  AS s (experiment_id, subject, variant, at)
JOIN flags_experiment e ON e.id = s.experiment_id
WHERE s.at >= e.started_at AND s.at < coalesce(least(e.ended_at, e.ends_at), 'infinity')
ORDER BY e.id, s.subject
ON CONFLICT (experiment_id, subject) DO UPDATE SET is_mixed = true, is_pending = true
WHERE NOT flags_exposure.is_mixed AND flags_exposure.variant <> excluded.variant
"""

_EXPOSURES = """
WITH chosen AS MATERIALIZED (
  SELECT id, is_counted FROM flags_exposure WHERE is_pending
  ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE flags_exposure x SET is_pending = false, is_counted = NOT x.is_mixed
FROM chosen WHERE x.id = chosen.id
RETURNING x.experiment_id, x.subject, x.variant, (x.exposed_at AT TIME ZONE 'UTC')::date,
  x.is_mixed, chosen.is_counted
"""


@dataclass(frozen=True, slots=True)
class Exposed:
    """An exposure as it is counted now."""

    experiment_id: UUID
    subject: str
    variant: str
    day: date
    is_mixed: bool
    was_counted: bool


class ExposureRepository(Repository["Exposure"]):
    def add_seen(self, rows: Sequence[Row]) -> int:
        """Store who saw what; return how many rows are new, or marked as mixed from now on."""
        return sum(_insert(_SEEN, turn) for turn in _turns(rows, by=lambda row: row[:2]))

    def count_some(self, limit: int) -> list[Exposed]:
        """Mark at most so many as counted; return them. Call in a transaction, alone."""
        with connection.cursor() as cursor:
            cursor.execute(_EXPOSURES, [limit])
            return [Exposed(*row) for row in cursor.fetchall()]

    def of_subject(self, subject: str, experiments: Iterable[UUID]) -> Self:
        return self.filter(subject=subject, experiment_id__in=list(experiments))

    def of_experiments(self, ids: Iterable[UUID]) -> Self:
        return self.filter(experiment_id__in=list(ids))


_REACHED = """
INSERT INTO flags_conversion
  (experiment_id, subject, goal, converted_at, is_counted, is_pending)
SELECT e.id, s.subject, s.goal, s.at, false, true
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
  AS s (experiment_id, subject, goal, at)
JOIN flags_experiment e ON e.id = s.experiment_id AND e.goals ? s.goal
WHERE s.at >= e.started_at AND s.at < coalesce(least(e.ended_at, e.ends_at), 'infinity')
ORDER BY e.id, s.subject, s.goal
ON CONFLICT (experiment_id, subject, goal)
DO UPDATE SET converted_at = excluded.converted_at, is_pending = true
WHERE NOT flags_conversion.is_counted
"""

_CONVERSIONS = """
WITH chosen AS MATERIALIZED (
  SELECT id FROM flags_conversion WHERE is_pending ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), judged AS (
  SELECT c.id, x.variant
  FROM chosen
  JOIN flags_conversion c ON c.id = chosen.id
  JOIN flags_experiment e ON e.id = c.experiment_id
  LEFT JOIN flags_exposure x
    ON x.experiment_id = c.experiment_id AND x.subject = c.subject AND x.is_counted
    AND c.converted_at >= x.exposed_at
    AND c.converted_at < x.exposed_at + e.goal_window_days * interval '1 day'
)
UPDATE flags_conversion c SET is_pending = false, is_counted = judged.variant IS NOT NULL
FROM judged WHERE c.id = judged.id
RETURNING c.experiment_id, (c.converted_at AT TIME ZONE 'UTC')::date, judged.variant, c.goal
"""

_AWAITED = """
UPDATE flags_conversion c SET is_pending = true
FROM unnest(%s::uuid[], %s::text[]) AS s (experiment_id, subject)
WHERE c.experiment_id = s.experiment_id AND c.subject = s.subject AND NOT c.is_counted
"""

_RETRACTED = """
UPDATE flags_conversion c SET is_counted = false, is_pending = false
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS s (experiment_id, subject, variant)
WHERE c.experiment_id = s.experiment_id AND c.subject = s.subject AND c.is_counted
RETURNING c.experiment_id, (c.converted_at AT TIME ZONE 'UTC')::date, s.variant, c.goal
"""


class ConversionRepository(Repository["Conversion"]):
    def add_reached(self, rows: Sequence[Row]) -> int:
        """Store who reached what; return how many rows are new, or tell a later time."""
        return sum(_insert(_REACHED, turn) for turn in _turns(rows, by=lambda row: row[:3]))

    def count_some(self, limit: int) -> list[tuple[UUID, date, str | None, str]]:
        """Judge at most so many; return each with the variant that it counts for, if any."""
        with connection.cursor() as cursor:
            cursor.execute(_CONVERSIONS, [limit])
            return list(cursor.fetchall())

    def await_count(self, exposed: Sequence[Exposed]) -> None:
        """Have what subjects reached judged again, now that they are known to be exposed."""
        with connection.cursor() as cursor:
            cursor.execute(
                _AWAITED, [[e.experiment_id for e in exposed], [e.subject for e in exposed]]
            )

    def retract(self, exposed: Sequence[Exposed]) -> list[Place]:
        """Count no longer what these subjects reached; return where each was counted."""
        columns: list[Any] = [
            [each.experiment_id for each in exposed],
            [each.subject for each in exposed],
            [each.variant for each in exposed],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_RETRACTED, columns)
            return list(cursor.fetchall())

    def of_subject(self, subject: str, experiments: Iterable[UUID]) -> Self:
        return self.filter(subject=subject, experiment_id__in=list(experiments))

    def of_experiments(self, ids: Iterable[UUID]) -> Self:
        return self.filter(experiment_id__in=list(ids))

    def counting_for_nobody(self, *, before: datetime) -> Self:
        return self.filter(is_counted=False, is_pending=False, converted_at__lt=before)


_ADD = """
INSERT INTO flags_experimenttally (experiment_id, day, variant, goal, count)
SELECT * FROM unnest(%s::uuid[], %s::date[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (experiment_id, day, variant, goal)
DO UPDATE SET count = flags_experimenttally.count + excluded.count
"""


class ExperimentTallyRepository(Repository["ExperimentTally"]):
    def try_alone(self) -> bool:
        """Be the only one that counts until the transaction ends; False where another one does."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [AdvisoryLock.EXPERIMENTS])
            return bool(cursor.fetchone()[0])

    def add_counts(self, counts: Mapping[Place, int]) -> None:
        rows = [(*place, count) for place, count in counts.items() if count]
        with connection.cursor() as cursor:
            if rows:
                cursor.execute(_ADD, [list(column) for column in zip(*rows, strict=True)])

    def of(self, experiment_id: UUID) -> Self:
        return self.filter(experiment_id=experiment_id)

    def in_order(self) -> Self:
        return self.order_by("day")

    def subjects(self, ids: Iterable[UUID]) -> dict[UUID, int]:
        """Return how many subjects each experiment counts."""
        counted = self.filter(experiment_id__in=list(ids), goal="").exclude(variant="")
        return dict(counted.values_list("experiment_id").annotate(sum=Sum("count")).order_by())


def _insert(statement: str, rows: Sequence[Row]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def _turns(rows: Sequence[Row], *, by: Any) -> list[list[Row]]:
    """Deal rows out so that none stands twice in one statement, which PostgreSQL refuses.

    Earlier ones come first.
    """
    turns: list[dict[Any, Row]] = []
    for row in sorted(rows, key=lambda row: row[3]):
        key = by(row)
        free = next((turn for turn in turns if key not in turn), None)
        if free is None:
            turns.append(free := {})
        free[key] = row
    return [list(turn.values()) for turn in turns]
