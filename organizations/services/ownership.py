"""Handing an organization over: an owner offers, the other one accepts, and they change places.

Both show that it is them. An offer falls with either of the two: who leaves, is removed or
suspended, deletes their account or stops being an owner takes their offers with them.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.services import reauthentication
from core.errors import ConflictError, FieldProblem, ForbiddenError, InvalidError, NotFoundError
from core.events import publish
from organizations import access, permissions
from organizations.events import (
    MemberRoleChanged,
    OwnershipOfferCancelled,
    OwnershipOffered,
    OwnershipTransferred,
)
from organizations.models import OFFER_LIFETIME, Membership, OwnershipOffer
from organizations.permissions import SystemRole


@transaction.atomic
def offer(
    *, organization_id: UUID, actor_id: UUID, session_id: UUID | None, user_id: UUID, now: datetime
) -> OwnershipOffer:
    """Offer one's place to another active member, for seven days.

    Raises ForbiddenError for who is no owner, InvalidError for who can't take the place, and
    ConflictError while another offer is open.
    """
    _, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.MANAGE_OWNERS)
    if not _is_owner(organization_id, actor_id):
        raise ForbiddenError("The ownership is an owner's to offer.")
    reauthentication.require_recent(user_id=actor_id, session_id=session_id, now=now)
    _require_taker(organization_id, user_id)
    _make_room(organization_id, now=now)
    made = OwnershipOffer.objects.add(
        organization_id=organization_id,
        offered_by_id=actor_id,
        user_id=user_id,
        created_at=now,
        expires_at=now + OFFER_LIFETIME,
    )
    publish(
        OwnershipOffered(
            organization_id=organization_id,
            actor_id=actor_id,
            user_id=user_id,
            expires_at=made.expires_at,
        )
    )
    return made


@transaction.atomic
def accept(
    *, organization_id: UUID, actor_id: UUID, session_id: UUID | None, now: datetime
) -> OwnershipOffer:
    """Take the place that was offered; who offered it is an admin from now on.

    A second call gives the same answer and changes nothing. Raises NotFoundError for whom nothing
    was offered, and ConflictError for an offer that is over.
    """
    access.begin(organization_id, actor_id)
    found = OwnershipOffer.objects.for_organization(organization_id).latest_to(actor_id)
    if found is None:
        raise NotFoundError
    if found.accepted_at is not None and _is_owner(organization_id, actor_id):
        return found
    _require_standing(found, now=now)
    reauthentication.require_recent(user_id=actor_id, session_id=session_id, now=now)
    OwnershipOffer.objects.change(found, accepted_at=now)
    # First up, then down: there is an owner at every step.
    _give(found, actor_id, SystemRole.OWNER)
    _give(found, found.offered_by_id, SystemRole.ADMIN)
    publish(
        OwnershipTransferred(
            organization_id=organization_id, actor_id=found.offered_by_id, user_id=actor_id
        )
    )
    return found


@transaction.atomic
def cancel(*, organization_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Take the open offer back, as an owner; or decline it, as the one it was made to."""
    _, rights = access.begin(organization_id, actor_id)
    found = open_offer(organization_id=organization_id, now=now)
    if actor_id != found.user_id:
        rights.require(permissions.MANAGE_OWNERS)
    _close(found, actor_id=actor_id, now=now)


def open_offer(*, organization_id: UUID, now: datetime) -> OwnershipOffer:
    """Return the offer that may be accepted now. Raises NotFoundError."""
    here = OwnershipOffer.objects.for_organization(organization_id)
    found = here.open().not_expired(now=now).first()
    if found is None:
        raise NotFoundError
    return found


def withdraw(*, organization_id: UUID, user_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Close what somebody offered, or was offered, who can't stand by it any longer.

    Call with the organization locked.
    """
    for found in (
        OwnershipOffer.objects.for_organization(organization_id).open().concerning(user_id)
    ):
        _close(found, actor_id=actor_id, now=now)


def _make_room(organization_id: UUID, *, now: datetime) -> None:
    """Close an offer that nobody can accept any more. Raises ConflictError for one that stands."""
    before = OwnershipOffer.objects.for_organization(organization_id).open().first()
    if before is None:
        return
    if now < before.expires_at and _is_owner(organization_id, before.offered_by_id):
        raise ConflictError(
            "The ownership is offered to a member already. Cancel that offer first."
        )
    _close(before, actor_id=None, now=now)


def _require_taker(organization_id: UUID, user_id: UUID) -> None:
    """Raises InvalidError for whoever is no active member, or an owner already."""
    here = Membership.objects.for_organization(organization_id).active().of(user_id)
    member = here.first()
    if member is None:
        detail = "This is no active member of the organization."
        raise InvalidError(FieldProblem("/user_id", "invalid", detail))
    if member.is_owner:
        detail = "This member is an owner already."
        raise InvalidError(FieldProblem("/user_id", "invalid", detail))


def _require_standing(found: OwnershipOffer, *, now: datetime) -> None:
    """Raises ConflictError, saying why an offer can't be accepted."""
    if found.accepted_at is not None or found.cancelled_at is not None:
        raise ConflictError("This offer is over. Ask an owner for a new one.")
    if now >= found.expires_at:
        raise ConflictError("This offer has expired. Ask an owner for a new one.")
    if not _is_owner(found.organization_id, found.offered_by_id):
        raise ConflictError("Who offered you the ownership is no longer an owner.")


def _is_owner(organization_id: UUID, user_id: UUID) -> bool:
    here = Membership.objects.for_organization(organization_id)
    return here.owners().of(user_id).exists()


def _give(found: OwnershipOffer, user_id: UUID, role: SystemRole) -> None:
    """Give one of the two their new role, on the word of who made the offer."""
    here = Membership.objects.for_organization(found.organization_id).of(user_id)
    membership = here.with_role().locked().get()
    before = membership.role_key
    if before == role:
        return
    Membership.objects.change(membership, role=role, custom_role=None)
    publish(
        MemberRoleChanged(
            organization_id=found.organization_id,
            actor_id=found.offered_by_id,
            user_id=user_id,
            role=(before, role.value),
        )
    )


def _close(found: OwnershipOffer, *, actor_id: UUID | None, now: datetime) -> None:
    OwnershipOffer.objects.change(found, cancelled_at=now)
    publish(
        OwnershipOfferCancelled(
            organization_id=found.organization_id, actor_id=actor_id, user_id=found.user_id
        )
    )
