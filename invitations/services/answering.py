"""What the invited do: look, accept, decline."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.errors import EmailNotVerifiedError
from accounts.models import User
from core import tokens
from core.errors import NotFoundError
from core.events import publish
from core.models import MailedToken
from invitations import facts, links, standing
from invitations.errors import (
    AccountLeavingError,
    DomainNotAdmittedError,
    EmailMismatchError,
    InvitationExpiredError,
    InvitationGoneError,
    InvitationRevokedError,
    InvitationUsedError,
)
from invitations.events import InvitationAccepted, InvitationDeclined
from invitations.models import Invitation, InvitationBlock, InvitationLink, InvitationPolicy
from invitations.services import joining, missed_roles
from organizations.models import Membership, Organization
from organizations.services import members

State = Membership.State


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody who holds the link sees. `account_exists`: with the invited address."""

    invitation: Invitation
    account_exists: bool


def preview(*, token: str, now: datetime) -> Preview | InvitationLink:
    """Look without spending anything. Raises GoneError for what could not be accepted."""
    if joining.is_link(token):
        return joining.preview(token=token, now=now)
    found, invitation = _find(token)
    _require_open(invitation, found, now=now)
    standing.require_place(invitation.organization)
    standing.require_inviter(invitation)
    account = User.objects.by_email(invitation.email)
    return Preview(invitation, account is not None and account.email_verified)


def was_accepted(*, token: str) -> bool:
    """Tell whether somebody joined by it."""
    return _find(token)[1].accepted_at is not None


def accept(*, token: str, user_id: UUID, now: datetime) -> Membership:
    """Turn an invitation into a membership. Safe to retry after a lost response.

    Raises GoneError, EmailMismatchError, EmailNotVerifiedError, DomainNotAdmittedError, and
    RoleGoneError, of which the organization is told, or another ConflictError.
    """
    answer = joining.join if joining.is_link(token) else _accept_mailed
    with missed_roles.told():
        return answer(token=token, user_id=user_id, now=now)


@transaction.atomic
def _accept_mailed(*, token: str, user_id: UUID, now: datetime) -> Membership:
    user = User.objects.locked().by_id(user_id)  # first: two requests of one person take turns
    found, invitation = _find(token)
    earlier = _accepted_before(invitation, user)
    if earlier is not None:
        return earlier
    _require_open(invitation, found, now=now)  # what is over stays so: nobody stands in line for it
    invitation = _locked(invitation)
    _require_open(invitation, _token(token), now=now)  # anew: a resend may have come before us
    return _join(invitation, user, now=now)


def accept_own(*, invitation_id: UUID, user_id: UUID, now: datetime) -> Membership:
    """Accept without the link what is addressed to one's verified address.

    Raises NotFoundError for anybody else's, and what `accept` raises.
    """
    with missed_roles.told():
        return _accept_own(invitation_id, user_id, now)


@transaction.atomic
def _accept_own(invitation_id: UUID, user_id: UUID, now: datetime) -> Membership:
    user = User.objects.by_id(user_id)
    mine = Invitation.objects.addressed_to(user.email_normalized).find(invitation_id)
    if not user.email_verified or mine is None:
        raise NotFoundError
    user, invitation = _begin(user_id, mine)
    earlier = _accepted_before(invitation, user)
    if earlier is not None:
        return earlier
    _require_open(invitation, None, now=now)
    return _join(invitation, user, now=now)


@transaction.atomic
def decline(*, token: str, block: bool = False, now: datetime) -> None:
    """Close an invitation on the word of whoever holds the link. Raises GoneError.

    With `block` the organization reaches this address no more, and is not told so. A link that
    many hold stays as it is.
    """
    if joining.is_link(token):
        return joining.decline(token=token, block=block, now=now)
    invitation = _locked(_find(token)[1])
    _require_open(invitation, _token(token), now=now)
    standing.require_place(invitation.organization)
    Invitation.objects.change(invitation, declined_at=now)
    links.end(invitation, now=now)
    if block:
        InvitationBlock.objects.put(
            organization_id=invitation.organization_id,
            email_normalized=invitation.email_normalized,
        )
    publish(InvitationDeclined(**facts.of(invitation, None)))
    return None


def _find(token: str) -> tuple[MailedToken, Invitation]:
    """Return a token and its invitation, whatever became of the two. Raises InvitationGoneError."""
    found = _token(token)
    invitation = Invitation.objects.with_people().find(found.subject_id)
    if invitation is None:
        raise InvitationGoneError
    return found, invitation


def _token(token: str) -> MailedToken:
    """Return it whatever became of it. Raises InvitationGoneError for what never was one."""
    found = tokens.find(purpose=links.PURPOSE, secret=token)
    if found is None:
        raise InvitationGoneError
    return found


def _begin(user_id: UUID, invitation: Invitation) -> tuple[User, Invitation]:
    """Lock in the order of the house: person, organization, invitation."""
    user = User.objects.locked().by_id(user_id)
    return user, _locked(invitation)


def _locked(invitation: Invitation) -> Invitation:
    """Lock organization and invitation, and return it as it is now."""
    organization = Organization.objects.locked().find(invitation.organization_id)
    locked = Invitation.objects.with_people().locked().find(invitation.pk)
    if organization is None or locked is None:
        raise InvitationGoneError
    locked.organization = organization
    return locked


def _accepted_before(invitation: Invitation, user: User) -> Membership | None:
    """Return the membership that the same person got from it, if they still have it."""
    if invitation.accepted_by_id != user.pk:
        return None
    here = Membership.objects.for_organization(invitation.organization_id)
    return here.active().in_present_organizations().with_organization().of(user.pk).first()


def _require_open(invitation: Invitation, found: MailedToken | None, *, now: datetime) -> None:
    if invitation.accepted_at is not None or invitation.declined_at is not None:
        raise InvitationUsedError
    if invitation.revoked_at is not None or (found and found.superseded_at is not None):
        raise InvitationRevokedError
    if invitation.expires_at <= now:
        raise InvitationExpiredError


def _join(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    standing.require_place(invitation.organization)
    here = Membership.objects.for_organization(invitation.organization_id)
    before = here.with_organization().of(user.pk).first()
    restores = before is not None and before.state in {State.SUSPENDED, State.REMOVED}
    standing.require_inviter(invitation, restores=restores)
    role = standing.role_of(invitation)
    _require_addressee(invitation, user)
    Invitation.objects.change(invitation, accepted_at=now, accepted_by=user)
    links.end(invitation, now=now)
    membership = before if before is not None and before.is_active else None
    membership = membership or members.add(
        organization_id=invitation.organization_id,
        actor_id=user.pk,
        user_id=user.pk,
        role=role,
        now=now,
    )
    publish(InvitationAccepted(**facts.of(invitation, user.pk)))
    return membership


def _require_addressee(invitation: Invitation, user: User) -> None:
    if user.email_normalized != invitation.email_normalized:
        raise EmailMismatchError(invitation.email)
    if not user.email_verified:
        raise EmailNotVerifiedError
    if user.deletion_due_at is not None:
        raise AccountLeavingError
    policy = InvitationPolicy.objects.of(invitation.organization_id)
    if not policy.admits(user.email_normalized):
        raise DomainNotAdmittedError
