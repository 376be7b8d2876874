"""Roles that an organization makes for itself: named sets of permissions.

Nobody makes, changes or deletes a role that holds a permission they lack, and so nobody raises
themselves by the role they hold.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import ConflictError, FieldProblem, InvalidError
from core.events import publish, publish_all
from organizations import access, permissions, slugs
from organizations.access import Rights, Role
from organizations.errors import RoleInUseError
from organizations.events import (
    CustomRoleChanged,
    CustomRoleCreated,
    CustomRoleDeleted,
    MemberRoleChanged,
)
from organizations.models import CustomRole, Membership
from organizations.permissions import SystemRole

MAX_ROLES = 100
NOT_KEYS = frozenset([*SystemRole.values, "custom"])
TRIES = 5


@transaction.atomic
def create(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    name: str,
    permissions: Sequence[str],
    key: str | None = None,
) -> CustomRole:
    """Make a role; its key is made from the name when it is None, and never changes.

    Raises ForbiddenError, ConflictError for one too many, and InvalidError for a key that is taken
    and for permissions that nothing registered.
    """
    rights = _begin(organization_id, actor_id)
    held = _checked(permissions)
    rights.require_grant(frozenset(held))
    here = CustomRole.objects.for_organization(organization_id)
    if here.count() >= MAX_ROLES:
        raise ConflictError(f"An organization has up to {MAX_ROLES} roles of its own.")
    key = _free_key(organization_id, name) if key is None else _taken(organization_id, key)
    made = CustomRole.objects.add(
        organization_id=organization_id, key=key, name=name, permissions=held
    )
    publish(
        CustomRoleCreated(
            organization_id=organization_id, actor_id=actor_id, role=key, permissions=tuple(held)
        )
    )
    return made


@transaction.atomic
def change(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    role_id: UUID,
    name: str | None = None,
    permissions: Sequence[str] | None = None,
) -> CustomRole:
    """Rename a role or give it other permissions; what is None stays."""
    rights = _begin(organization_id, actor_id)
    role = CustomRole.objects.for_organization(organization_id).locked().by_id(role_id)
    rights.require_grant(role.holds())
    before = (role.name, role.permissions)
    wanted: dict[str, Any] = {} if name is None else {"name": name}
    if permissions is not None:
        # What a release dropped may stay where it is: it allows nothing.
        wanted["permissions"] = _checked(permissions, besides=role.permissions)
        rights.require_grant(_registered(wanted["permissions"]))
    CustomRole.objects.change(role, **wanted)
    if before != (role.name, role.permissions):
        publish(
            CustomRoleChanged(
                organization_id=organization_id,
                actor_id=actor_id,
                role=role.key,
                name=(before[0], role.name),
                permissions=(tuple(before[1]), tuple(role.permissions)),
            )
        )
    return role


@transaction.atomic
def delete(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    role_id: UUID,
    reassign_to: str | None = None,
) -> None:
    """Delete a role, and give those who hold it the one that `reassign_to` names.

    Raises RoleInUseError when somebody holds it and no other role is named.
    """
    rights = _begin(organization_id, actor_id)
    role = CustomRole.objects.for_organization(organization_id).locked().by_id(role_id)
    rights.require_grant(role.holds())
    successor = _successor(role, rights, reassign_to)
    holders = Membership.objects.for_organization(organization_id).holding(role)
    present = list(holders.belonging().user_ids())
    if present and successor is None:
        raise RoleInUseError(len(present))
    if successor is not None:
        _move(role, successor, present, actor_id=actor_id)
    # Who left held it too; who comes back is given a role anew.
    holders.reassign(role=SystemRole.VIEWER, custom_role=None)
    CustomRole.objects.remove(role)
    publish(
        CustomRoleDeleted(
            organization_id=organization_id,
            actor_id=actor_id,
            role=role.key,
            reassigned_to=successor.key if successor and present else None,
        )
    )


def _begin(organization_id: UUID, actor_id: UUID | None) -> Rights:
    _, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.MANAGE_ROLES)
    return rights


def _successor(role: CustomRole, rights: Rights, key: str | None) -> Role | None:
    if key is None:
        return None
    if key == role.key:
        detail = "Name another role than the one that is deleted."
        raise InvalidError(FieldProblem("/reassign_to", "invalid", detail))
    found = access.role(role.organization_id, key, pointer="/reassign_to")
    rights.require_grant(found.permissions)
    return found


def _move(
    role: CustomRole, successor: Role, user_ids: Sequence[UUID], *, actor_id: UUID | None
) -> None:
    holders = Membership.objects.for_organization(role.organization_id).holding(role)
    holders.belonging().reassign(**successor.columns())
    publish_all(
        [
            MemberRoleChanged(
                organization_id=role.organization_id,
                actor_id=actor_id,
                user_id=user_id,
                role=(role.key, successor.key),
            )
            for user_id in user_ids
        ]
    )


def _checked(names: Sequence[str], *, besides: Sequence[str] = ()) -> list[str]:
    """Return the names, each once. Raises InvalidError for one that nothing registered."""
    unknown = set(permissions.unknown(names)) - set(besides)
    found = [
        FieldProblem(f"/permissions/{index}", "invalid", "There is no such permission.")
        for index, name in enumerate(names)
        if name in unknown
    ]
    if found:
        raise InvalidError(*found)
    return sorted(set(names))


def _registered(names: Sequence[str]) -> permissions.Permissions:
    return frozenset(names) & permissions.everything()


def _taken(organization_id: UUID, key: str) -> str:
    """Return the key that somebody chose. Raises InvalidError."""
    detail = None
    if not slugs.PATTERN.fullmatch(key):
        detail = "Use letters a to z, digits and single hyphens between them."
    elif not _is_free(organization_id, key):
        detail = "There is a role with this key already."
    if detail is not None:
        raise InvalidError(FieldProblem("/key", "invalid", detail))
    return key


def _free_key(organization_id: UUID, name: str) -> str:
    """Return what the name suggests, or something like it."""
    suggested = slugs.suggested(name, otherwise="role")
    for key in [suggested, *(slugs.varied(suggested) for _ in range(TRIES))]:
        if _is_free(organization_id, key):
            return key
    raise ConflictError("No free key was found. Choose one in `key`.")


def _is_free(organization_id: UUID, key: str) -> bool:
    here = CustomRole.objects.for_organization(organization_id)
    return key not in NOT_KEYS and here.by_key(key) is None
