"""What organizations decide for themselves, about the flags that leave it to them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import ForbiddenError, NotFoundError
from core.events import publish
from flags.events import FlagOverridden
from flags.models import Environment, Flag, OrganizationOverride
from flags.services import changes
from flags.services.changes import Author
from organizations import access, permissions
from organizations.permissions import SystemRole

PERMISSION = "flags.override"

permissions.register(
    PERMISSION, "Decide about features that are left to it", least=SystemRole.ADMIN
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One flag as an organization sees it; `enabled` is None where it goes as everywhere."""

    flag: str
    description: str
    enabled: bool | None


def decisions(organization_id: UUID) -> list[Decision]:
    """Return every flag that is left to organizations, with this one's decision."""
    where = changes.own_environment()
    mine = OrganizationOverride.objects.for_organization(organization_id)
    decided = mine.within(where.pk).by_flag() if where else {}
    return [
        Decision(flag.name, flag.description, decided.get(flag.pk))
        for flag in sorted(Flag.objects.overridable(), key=lambda flag: flag.name)
    ]


@transaction.atomic
def decide(
    *,
    organization_id: UUID,
    actor_id: UUID,
    name: str,
    enabled: bool | None,
    author: Author,
    now: datetime,
) -> Decision:
    """Switch a flag on or off for an organization; None: as everywhere.

    Raises NotFoundError, and ForbiddenError for a flag that is not left to organizations.
    """
    _, rights = access.begin(organization_id, actor_id)
    rights.require(PERMISSION)
    where = changes.environment()
    flag = Flag.objects.present().by_name(name)
    if flag is None or not (flag.is_org_overridable or flag.is_client_visible):
        raise NotFoundError("There is no such flag.")
    if not flag.is_org_overridable:
        raise ForbiddenError("This flag is not left to organizations.")
    before = _store(organization_id, flag, where, enabled)
    if before is not enabled:
        told = {"organization": str(organization_id)}
        changes.record(
            flag, "override", author=author, now=now, environment=where.name,
            states=({**told, "enabled": before}, {**told, "enabled": enabled}),
        )  # fmt: skip
        publish(FlagOverridden(organization_id, flag.pk, flag.name, (before, enabled), actor_id))
        changes.close([where])
    return Decision(flag.name, flag.description, enabled)


def _store(
    organization_id: UUID, flag: Flag, where: Environment, enabled: bool | None
) -> bool | None:
    """Return what was decided before."""
    if enabled is not None:
        return OrganizationOverride.objects.put(
            organization_id=organization_id,
            flag_id=flag.pk,
            environment_id=where.pk,
            enabled=enabled,
        )
    mine = OrganizationOverride.objects.for_organization(organization_id)
    row = mine.about(flag.pk).within(where.pk).first()
    if row is None:
        return None
    before = row.enabled
    OrganizationOverride.objects.remove(row)
    return before
