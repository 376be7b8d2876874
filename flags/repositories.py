"""Every query on flags, their rules, and what was changed about them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import F, FilteredRelation, Q

from core.errors import NotFoundError
from core.repositories import Repository
from flags.experiments.repositories import RUNNING
from organizations.models import Membership
from organizations.repositories import TenantRepository

if TYPE_CHECKING:
    from flags.models import (
        Environment,
        Flag,
        FlagChange,
        FlagKey,
        FlagRules,
        OrganizationOverride,
        Segment,
    )

# One statement sees one moment: flags that were saved together are seen together, and the version
# is that of what is read with it.
_DOCUMENT = f"""
SELECT json_build_object(
  'version', e.version,
  'flags', (
    SELECT coalesce(json_agg(json_build_object(
      'name', f.name, 'kind', f.kind, 'description', f.description,
      'is_client_visible', f.is_client_visible, 'impression_data', f.impression_data,
      'persist_anonymous', f.persist_anonymous, 'dependencies', f.dependencies,
      'enabled', r.enabled AND r.killed_at IS NULL,
      'killed', r.killed_at IS NOT NULL,
      'strategies', r.strategies, 'variants', r.variants, 'denied', r.denied,
      'allowed', r.allowed, 'starts_at', r.starts_at, 'ends_at', r.ends_at
    ) ORDER BY f.name), '[]')
    FROM flags_flagrules r JOIN flags_flag f ON f.id = r.flag_id
    WHERE r.environment_id = e.id AND f.archived_at IS NULL
  ),
  'segments', (
    SELECT coalesce(json_agg(json_build_object(
      'id', s.id, 'name', s.name, 'constraints', s.constraints
    ) ORDER BY s.id), '[]') FROM flags_segment s
  ),
  'overrides', (
    SELECT coalesce(json_agg(json_build_array(f.name, o.organization_id, o.enabled)), '[]')
    FROM flags_organizationoverride o JOIN flags_flag f ON f.id = o.flag_id
    WHERE o.environment_id = e.id AND f.is_org_overridable
  ),
  'experiments', ({RUNNING}),
  'planned', (
    SELECT coalesce(json_agg(json_build_object(
      'id', p.id, 'flag', f.name, 'at', p.due_at, 'changes', p.changes
    ) ORDER BY p.due_at, p.id), '[]')
    FROM flags_plannedchange p JOIN flags_flag f ON f.id = p.flag_id
    JOIN flags_flagrules r ON r.flag_id = f.id AND r.environment_id = e.id
    WHERE p.environment_id = e.id AND p.state = 'scheduled' AND f.archived_at IS NULL
      AND p.base_version = r.version
  )
)::text
FROM flags_environment e WHERE e.name = %s
"""  # noqa: S608  text of ours


class EnvironmentRepository(Repository["Environment"]):
    def by_name(self, name: str) -> "Environment | None":
        return self.filter(name=name).first()

    def in_order(self) -> Self:
        """By name: who locks several locks them so."""
        return self.order_by("name")

    def with_id(self, pk: UUID) -> Self:
        return self.filter(pk=pk)

    def add_or_find(self, name: str) -> "tuple[Environment, bool]":
        return self.get_or_create(name=name)

    def raise_version(self) -> None:
        """Call with the matching rows locked."""
        self.update(version=F("version") + 1)

    def versions(self, names: Iterable[str]) -> dict[str, int]:
        return dict(self.filter(name__in=list(names)).values_list("name", "version"))

    def document(self, name: str) -> dict[str, Any] | None:
        """Return all that evaluations in an environment need, as of one moment."""
        with connection.cursor() as cursor:
            cursor.execute(_DOCUMENT, [name])
            row = cursor.fetchone()
        found: dict[str, Any] | None = orjson.loads(row[0]) if row else None
        return found


class SegmentRepository(Repository["Segment"]):
    def by_name(self, name: str) -> "Segment | None":
        return self.filter(name=name).first()

    def imported(self) -> Self:
        return self.exclude(imported_id=None)

    def by_imported_id(self) -> "dict[int, Segment]":
        return {int(each.imported_id or 0): each for each in self.imported()}

    def known_ids(self) -> set[int]:
        return set(self.values_list("pk", flat=True))

    def beyond_ids(self, ids: Iterable[int]) -> Self:
        return self.exclude(pk__in=list(ids))

    def continue_after_highest(self) -> None:
        """Let the next id follow those that were given by hand."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('flags_segment', 'id'),"
                " greatest((SELECT coalesce(max(id), 1) FROM flags_segment), 1))"
            )

    def looked_up(self, text: str) -> Self:
        return self.filter(name__startswith=text)


class FlagRepository(Repository["Flag"]):
    def by_name(self, name: str) -> "Flag | None":
        return self.filter(name=name).first()

    def named(self, names: Iterable[str]) -> Self:
        return self.filter(name__in=list(names))

    def not_named(self, names: Iterable[str]) -> Self:
        return self.exclude(name__in=list(names))

    def present(self) -> Self:
        """Not archived."""
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def imported_from(self, system: str) -> Self:
        return self.filter(imported_from=system)

    def with_rules_in(self, environment_id: UUID | None) -> Self:
        """Add what the list shows of the rules there: `rules_here`, `enabled_here` and others."""
        here = FilteredRelation("rules", condition=Q(rules__environment=environment_id))
        shown = {"rules": "id", "enabled": "enabled", "killed": "killed_at"}
        columns = {f"{name}_here": F(f"here__{column}") for name, column in shown.items()}
        return self.annotate(here=here).annotate(**columns, strategies_here=F("here__strategies"))

    def overridable(self) -> Self:
        return self.present().filter(is_org_overridable=True)

    def needing(self, name: str) -> Self:
        """Whose dependencies name this flag."""
        return self.filter(dependencies__contains=[{"feature": name}])

    def by_names(self) -> "dict[str, Flag]":
        return {flag.name: flag for flag in self}

    def looked_up(self, text: str) -> Self:
        """By the beginning of the name, or id."""
        begins = Q(name__startswith=text)
        try:
            return self.filter(begins | Q(pk=UUID(text)))
        except ValueError:
            return self.filter(begins)


class FlagRulesRepository(Repository["FlagRules"]):
    def of(self, flag_id: UUID) -> Self:
        return self.filter(flag_id=flag_id)

    def within(self, environment_id: UUID) -> Self:
        return self.filter(environment_id=environment_id)

    def with_environment(self) -> Self:
        return self.select_related("environment")

    def with_flag(self) -> Self:
        return self.select_related("flag")

    def of_flags(self, ids: Iterable[UUID]) -> Self:
        return self.filter(flag_id__in=list(ids))

    def in_order(self) -> Self:
        return self.order_by("environment__name")

    def only_one(self) -> "FlagRules":
        """Raises NotFoundError."""
        found = self.first()
        if found is None:
            raise NotFoundError("There is no such flag.")
        return found

    def using_segment(self, segment_id: int) -> Self:
        """Of flags that are not archived."""
        return self.filter(
            strategies__contains=[{"segments": [segment_id]}], flag__archived_at=None
        )

    def looked_up(self, text: str) -> Self:
        return self.filter(flag__name=text)

    def flag_names(self) -> list[str]:
        return sorted(set(self.values_list("flag__name", flat=True)))


def people_of(organization_id: UUID) -> list[tuple[UUID, str]]:
    """Return id and normalized address of everybody who belongs to an organization."""
    members = Membership.objects.for_organization(organization_id).active()
    return list(members.values_list("user_id", "user__email_normalized"))


class OrganizationOverrideRepository(TenantRepository["OrganizationOverride"]):
    def within(self, environment_id: UUID) -> Self:
        return self.filter(environment_id=environment_id)

    def about(self, flag_id: UUID) -> Self:
        return self.filter(flag_id=flag_id)

    def by_flag(self) -> dict[UUID, bool]:
        return dict(self.values_list("flag_id", "enabled"))

    def put(
        self, *, organization_id: UUID, flag_id: UUID, environment_id: UUID, enabled: bool
    ) -> bool | None:
        """Store a decision; return the one before, None when there was none."""
        row = self.for_organization(organization_id).about(flag_id).within(environment_id).first()
        before = row.enabled if row else None
        if row is None:
            self.add(
                organization_id=organization_id,
                flag_id=flag_id,
                environment_id=environment_id,
                enabled=enabled,
            )
        elif before is not enabled:
            self.change(row, enabled=enabled)
        return before


class FlagChangeRepository(Repository["FlagChange"]):
    def about(self, name: str) -> Self:
        """Of the flag of this name, also of an earlier one that was called so."""
        return self.filter(subject="flag", name=name)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def looked_up(self, text: str) -> Self:
        return self.filter(name=text)


class FlagKeyRepository(Repository["FlagKey"]):
    def by_digest(self, digest: bytes) -> "FlagKey | None":
        """Return a key that holds, with its environment; one of a deleted organization doesn't."""
        return self.select_related("environment").holding().filter(digest=digest).first()

    def holding(self) -> Self:
        here = Q(organization=None) | Q(organization__deletion_due_at=None)
        return self.filter(here, revoked_at=None)

    def holds(self, pk: UUID) -> bool:
        return self.holding().filter(pk=pk).exists()

    def with_environment(self) -> Self:
        return self.select_related("environment")
