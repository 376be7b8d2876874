"""What members do with invitations: send, change, send again, take back.

Every change locks the organization first: two admins who invite one address take turns, and so do
an acceptance and a revocation.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import addresses
from core.errors import ConflictError, DomainError, RateLimitedError
from core.events import publish
from invitations import facts, limits, links, standing
from invitations.errors import InvitationClosedError
from invitations.events import (
    InvitationChanged,
    InvitationCreated,
    InvitationResent,
    InvitationRevoked,
)
from invitations.models import LIFETIME, Invitation
from invitations.permissions import MANAGE
from invitations.services import expiring
from invitations.services.judging import Draft, Wish, judge
from organizations import access
from organizations.access import Rights

Delivery = Invitation.Delivery


class NotSentError(ConflictError):
    detail = "Not sent, because another row was refused and it was to be all or none."


class BouncedError(ConflictError):
    detail = "Mail to this address came back. Revoke the invitation, and invite another address."


@transaction.atomic
def create(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    email: str,
    role: str,
    message: str = "",
    now: datetime,
) -> Invitation:
    """Invite an address. Raises AlreadyInvitedError, AlreadyMemberError, ForbiddenError,
    InvalidError or LimitReachedError.
    """
    organization, rights = access.begin(organization_id, actor_id)
    rights.require(MANAGE)
    (judged,) = judge(organization_id, rights, [Wish(email, role, message)], now=now)
    if isinstance(judged, DomainError):
        raise judged
    limits.take(organization=organization, actor_id=actor_id, now=now)
    limits.take_recipient(judged.email)
    return _send(organization_id, actor_id, judged, now=now)


@transaction.atomic
def create_all(
    *,
    organization_id: UUID,
    actor_id: UUID,
    wishes: Sequence[Wish | DomainError],
    all_or_nothing: bool = False,
    now: datetime,
) -> list[Invitation | DomainError]:
    """Invite many; return for each, in their order, the invitation or what stands against it.

    What is an error already passes through. Raises LimitReachedError, and sends none, when the
    organization or the inviter has not enough left for all that could be sent.
    """
    organization, rights = access.begin(organization_id, actor_id)
    rights.require(MANAGE)
    judged = judge(organization_id, rights, wishes, now=now)
    sendable = sum(isinstance(row, Draft) for row in judged)
    if all_or_nothing and sendable < len(judged):
        return _refused(judged)
    if sendable:
        limits.take(organization=organization, actor_id=actor_id, count=sendable, now=now)
    judged = [_within_limit(row) for row in judged]
    if all_or_nothing and any(isinstance(row, DomainError) for row in judged):
        return _refused(judged)
    return [
        row if isinstance(row, DomainError) else _send(organization_id, actor_id, row, now=now)
        for row in judged
    ]


@transaction.atomic
def change(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    invitation_id: UUID,
    role: str | None = None,
    message: str | None = None,
    now: datetime,
) -> Invitation:
    """Offer another role or say something else; what is None stays, and no mail is sent.

    Who gives the role answers for it from now on. Raises InvitationClosedError.
    """
    invitation, rights = _begin(organization_id, actor_id, invitation_id)
    _require_open(invitation)
    before = (invitation.role, invitation.message)
    if role is not None:
        wanted = access.role(organization_id, role)
        rights.require_grant(wanted.permissions)
        given = {"role": wanted.key, "custom_role": wanted.custom}
        Invitation.objects.change(invitation, **given, **_answered_by(actor_id))
    if message is not None:
        Invitation.objects.change(invitation, message=message.strip())
    if before != (invitation.role, invitation.message):
        about = facts.of(invitation, actor_id) | {"role": (before[0], invitation.role)}
        publish(InvitationChanged(**about))
    return invitation


@transaction.atomic
def resend(
    *, organization_id: UUID, actor_id: UUID | None, invitation_id: UUID, now: datetime
) -> Invitation:
    """Mail a new link for another seven days, also of one that has expired; the old link ends.

    Who sends it answers for it from now on. Raises InvitationClosedError, BouncedError,
    RoleGoneError, ForbiddenError or LimitReachedError.
    """
    invitation, rights = _begin(organization_id, actor_id, invitation_id)
    _require_open(invitation)
    rights.require_grant(standing.role_of(invitation).permissions)
    if invitation.delivery == Delivery.BOUNCED:
        raise BouncedError
    limits.take_resend(invitation.pk)
    limits.take(organization=invitation.organization, actor_id=actor_id, now=now)
    limits.take_recipient(invitation.email)
    expiring.note(invitation, now=now)
    Invitation.objects.change(
        invitation,
        expires_at=now + LIFETIME,
        expiry_noted_at=None,
        sent_count=invitation.sent_count + 1,
        delivery=Delivery.QUEUED,
        **_answered_by(actor_id),
    )
    links.issue(invitation, now=now)
    publish(InvitationResent(**facts.of(invitation, actor_id)))
    return invitation


@transaction.atomic
def revoke(
    *, organization_id: UUID, actor_id: UUID | None, invitation_id: UUID, now: datetime
) -> None:
    """Take it back; nothing where it is over already. Raises InvitationClosedError if accepted."""
    invitation, _ = _begin(organization_id, actor_id, invitation_id)
    if invitation.accepted_at is not None:
        raise InvitationClosedError("accepted")
    if invitation.is_open:
        _close(invitation, actor_id=actor_id, now=now)


def revoke_for(*, organization_id: UUID, email_normalized: str, now: datetime) -> None:
    """Close what is open to an address whose owner was just taken out; in the same transaction."""
    here = Invitation.objects.for_organization(organization_id).open()
    for invitation in here.addressed_to(email_normalized).locked():
        _close(invitation, actor_id=None, now=now)


def _send(
    organization_id: UUID, actor_id: UUID | None, draft: Draft, *, now: datetime
) -> Invitation:
    if draft.expired is not None:
        _close(draft.expired, actor_id=actor_id, now=now)
    invitation = Invitation.objects.add(
        organization_id=organization_id,
        email=draft.email,
        email_normalized=draft.email_normalized,
        role=draft.role.key,
        custom_role=draft.role.custom,
        message=draft.message,
        invited_by_id=actor_id,
        by_operator=actor_id is None,
        expires_at=now + LIFETIME,
        created_at=now,
    )
    links.issue(invitation, now=now, first=True)
    publish(InvitationCreated(**facts.of(invitation, actor_id)))
    return invitation


def _begin(
    organization_id: UUID, actor_id: UUID | None, invitation_id: UUID
) -> tuple[Invitation, Rights]:
    """Lock organization and invitation for somebody who may manage them."""
    organization, rights = access.begin(organization_id, actor_id)
    rights.require(MANAGE)
    here = Invitation.objects.for_organization(organization_id).with_role()
    invitation = here.locked().by_id(invitation_id)
    invitation.organization = organization
    return invitation, rights


def _require_open(invitation: Invitation) -> None:
    for end in ("accepted", "declined", "revoked"):
        if getattr(invitation, f"{end}_at") is not None:
            raise InvitationClosedError(end)


def _close(invitation: Invitation, *, actor_id: UUID | None, now: datetime) -> None:
    expiring.note(invitation, now=now)
    Invitation.objects.change(invitation, revoked_at=now)
    links.end(invitation, now=now)
    publish(InvitationRevoked(**facts.of(invitation, actor_id)))


def _answered_by(actor_id: UUID | None) -> dict[str, Any]:
    """Return the columns that make somebody answer for it; an operator takes it from nobody."""
    return {"invited_by_id": actor_id, "by_operator": False} if actor_id else {}


def _within_limit(row: Draft | DomainError) -> Draft | DomainError:
    """Count a mail to the row's mailbox; one that gets too many is refused alone."""
    if isinstance(row, Draft):
        try:
            limits.take_recipient(row.email)
        except RateLimitedError as error:
            return error
    return row


def _refused(rows: Sequence[Draft | DomainError]) -> list[Invitation | DomainError]:
    return [row if isinstance(row, DomainError) else NotSentError() for row in rows]


def mark_bounced(*, email: str, now: datetime) -> int:
    """Note that mail to an address came back, or was complained about: none is sent there again
    for the open invitations to it, of any organization. Return how many these are.

    For whoever learns of it: the hook of a mail provider, a command.
    """
    try:
        normal = addresses.normalize(email)
    except ValueError:
        return 0
    return Invitation.objects.open().addressed_to(normal).note_delivery(Delivery.BOUNCED, now=now)
