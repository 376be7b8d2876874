"""What a member may be allowed to do: a registry of names, and the four roles that come with us.

    permissions.register("projects.archive", "Archive projects", least=SystemRole.ADMIN)

An app registers its own in `apps.py`. The four roles form a ladder, and each holds what the ones
below it hold. A custom role of an organization is a set of these names.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models


class SystemRole(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


LADDER = (SystemRole.VIEWER, SystemRole.MEMBER, SystemRole.ADMIN, SystemRole.OWNER)


@dataclass(frozen=True, slots=True)
class Permission:
    name: str
    description: str
    least: SystemRole
    """The lowest of the four roles that holds it."""


Permissions = frozenset[str]

_registry: dict[str, Permission] = {}


def register(name: str, description: str, *, least: SystemRole) -> None:
    _registry[name] = Permission(name, description, least)


def registered() -> list[Permission]:
    return sorted(_registry.values(), key=lambda permission: permission.name)


def everything() -> Permissions:
    return frozenset(_registry)


def unknown(names: Iterable[str]) -> list[str]:
    """Return the names that nothing registered: typos, or permissions that a release dropped."""
    return sorted(set(names) - _registry.keys())


def of_system_role(role: str) -> Permissions:
    height = LADDER.index(SystemRole(role))
    return frozenset(p.name for p in _registry.values() if LADDER.index(p.least) <= height)


def roles_with(permission: Permission) -> list[str]:
    """Return those of the four roles that hold it, the highest first."""
    return [role.value for role in reversed(LADDER[LADDER.index(permission.least) :])]


def may_grant(held: Permissions, wanted: Permissions) -> bool:
    """Tell whether somebody may hand out a role: nobody grants a right they lack."""
    return wanted <= held


def outranks(held: Permissions, theirs: Permissions) -> bool:
    """Tell whether somebody may change a member who holds `theirs`: only those below oneself.

    Owners stand beside each other, and may change each other.
    """
    return "owners.manage" in held or theirs < held


READ = "organization.read"
UPDATE = "organization.update"
DELETE = "organization.delete"
READ_MEMBERS = "members.read"
READ_EMAILS = "members.read_email"
MANAGE_MEMBERS = "members.manage"
RESTORE_MEMBERS = "members.restore"
MANAGE_OWNERS = "owners.manage"
MANAGE_ROLES = "roles.manage"

register(READ, "See the organization", least=SystemRole.VIEWER)
register(READ_MEMBERS, "See who belongs to it", least=SystemRole.VIEWER)
register(READ_EMAILS, "See the members' addresses", least=SystemRole.VIEWER)
register(UPDATE, "Rename it and change its settings", least=SystemRole.ADMIN)
register(MANAGE_MEMBERS, "Change and remove members of lower roles", least=SystemRole.ADMIN)
register(RESTORE_MEMBERS, "Bring back suspended and removed members", least=SystemRole.ADMIN)
register(MANAGE_ROLES, "Make and change custom roles", least=SystemRole.ADMIN)
register(
    MANAGE_OWNERS, "Make, change and remove owners, and offer the ownership", least=SystemRole.OWNER
)
register(DELETE, "Delete the organization", least=SystemRole.OWNER)
