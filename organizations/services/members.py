"""Who belongs to an organization, and as what.

Every change locks the organization first, so that changes of its members take turns: the rights of
the one who acts, the target's role and the number of owners are those of the moment.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from core.errors import NotFoundError
from core.events import publish
from organizations import access, permissions
from organizations.access import Rights, Role
from organizations.errors import AlreadyMemberError, LastOwnerError
from organizations.events import (
    MemberJoined,
    MemberReinstated,
    MemberRemoved,
    MemberRoleChanged,
    MemberSuspended,
)
from organizations.models import Membership
from organizations.services import ownership

State = Membership.State


@transaction.atomic
def add(
    *, organization_id: UUID, actor_id: UUID | None, user_id: UUID, role: Role, now: datetime
) -> Membership:
    """Let somebody in, whoever they are; the caller has judged who may give the role.

    Who was removed or suspended comes back, with this role. Raises AlreadyMemberError for who
    belongs already, whose role stays as it is. Call with the organization locked.
    """
    fields = {"state": State.ACTIVE, "joined_at": now, **role.columns()}
    membership, is_new = Membership.objects.add_or_find(
        organization_id=organization_id, user_id=user_id, **fields
    )
    if not is_new:
        if membership.state in {State.ACTIVE, State.LEAVING}:
            raise AlreadyMemberError
        Membership.objects.change(membership, removed_at=None, **fields)
    publish(
        MemberJoined(
            organization_id=organization_id,
            actor_id=actor_id,
            user_id=user_id,
            role=role.key,
            restored=not is_new,
        )
    )
    return membership


@transaction.atomic
def change_role(
    *, organization_id: UUID, actor_id: UUID | None, user_id: UUID, role: str, now: datetime
) -> Membership:
    """Give a member another role. Raises ForbiddenError, LastOwnerError, InvalidError, and
    NotFoundError for who does not belong.
    """
    _, rights = access.begin(organization_id, actor_id)
    membership = _member(organization_id, user_id)
    wanted = access.role(organization_id, role)
    if actor_id != user_id:
        _require_over(rights, membership)
    rights.require_grant(wanted.permissions)
    before = membership.role_key
    if before == wanted.key:
        return membership
    if membership.is_owner:
        require_another_owner(organization_id, user_id)
        _withdraw_offers(membership, actor_id=actor_id, now=now)
    Membership.objects.change(membership, **wanted.columns())
    require_owners_left()
    publish(
        MemberRoleChanged(
            organization_id=organization_id,
            actor_id=actor_id,
            user_id=user_id,
            role=(before, wanted.key),
        )
    )
    return membership


@transaction.atomic
def remove(*, organization_id: UUID, actor_id: UUID | None, user_id: UUID, now: datetime) -> None:
    """End a membership, one's own included: `leave` is the same act."""
    if actor_id == user_id:
        leave(organization_id=organization_id, user_id=user_id, now=now)
        return
    _, rights = access.begin(organization_id, actor_id)
    membership = _member(organization_id, user_id)
    _require_over(rights, membership)
    _end(membership, actor_id=actor_id, left=False, now=now)


@transaction.atomic
def leave(*, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    """End one's own membership, which needs no right. Raises LastOwnerError."""
    access.begin(organization_id, user_id)
    _end(_member(organization_id, user_id), actor_id=user_id, left=True, now=now)


@transaction.atomic
def suspend(
    *, organization_id: UUID, actor_id: UUID | None, user_id: UUID, now: datetime
) -> Membership:
    """Take a member's access away for the time being; their place and role stay."""
    _, rights = access.begin(organization_id, actor_id)
    membership = _member(organization_id, user_id)
    _require_over(rights, membership)
    if membership.state == State.SUSPENDED:
        return membership
    if membership.is_owner:
        require_another_owner(organization_id, user_id)
    _withdraw_offers(membership, actor_id=actor_id, now=now)
    Membership.objects.change(membership, state=State.SUSPENDED)
    require_owners_left()
    publish(MemberSuspended(organization_id=organization_id, actor_id=actor_id, user_id=user_id))
    return membership


@transaction.atomic
def reinstate(*, organization_id: UUID, actor_id: UUID | None, user_id: UUID) -> Membership:
    """Give a suspended member their access back, in the role they had."""
    _, rights = access.begin(organization_id, actor_id)
    membership = _member(organization_id, user_id)
    rights.require(permissions.RESTORE_MEMBERS)
    rights.require_grant(membership.permissions())
    if membership.state != State.SUSPENDED:
        return membership
    Membership.objects.change(membership, state=State.ACTIVE)
    publish(MemberReinstated(organization_id=organization_id, actor_id=actor_id, user_id=user_id))
    return membership


def require_another_owner(organization_id: UUID, user_id: UUID) -> None:
    """Raises LastOwnerError when nobody else is an owner. Call with the organization locked."""
    owners = Membership.objects.for_organization(organization_id).owners()
    if not owners.other_than(user_id).exists():
        raise LastOwnerError


def require_owners_left() -> None:
    """Raises LastOwnerError when a statement by hand took the owner that was still there before.

    Call after the change: the commit would tell it too, but to nobody who could say it kindly.
    """
    try:
        Membership.objects.check_owners()
    except IntegrityError:
        raise LastOwnerError from None


def _member(organization_id: UUID, user_id: UUID) -> Membership:
    """Return who has a place, locked. Raises NotFoundError, also for who has left."""
    here = Membership.objects.for_organization(organization_id).belonging().of(user_id)
    membership = here.with_people().locked().first()
    if membership is None or membership.state == State.LEAVING:
        raise NotFoundError
    return membership


def _require_over(rights: Rights, membership: Membership) -> None:
    """Raises ForbiddenError for who may not change this member."""
    rights.require(permissions.MANAGE_MEMBERS)
    rights.require_above(membership.permissions())


def _withdraw_offers(membership: Membership, *, actor_id: UUID | None, now: datetime) -> None:
    ownership.withdraw(
        organization_id=membership.organization_id,
        user_id=membership.user_id,
        actor_id=actor_id,
        now=now,
    )


def _end(membership: Membership, *, actor_id: UUID | None, left: bool, now: datetime) -> None:
    organization_id, user_id = membership.organization_id, membership.user_id
    if membership.is_owner:
        require_another_owner(organization_id, user_id)
    _withdraw_offers(membership, actor_id=actor_id, now=now)
    Membership.objects.change(membership, state=State.REMOVED, removed_at=now)
    require_owners_left()
    publish(
        MemberRemoved(
            organization_id=organization_id, actor_id=actor_id, user_id=user_id, left=left
        )
    )
