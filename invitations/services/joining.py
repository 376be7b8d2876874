"""What happens with a link that many may use: look, join. The address has to be proved before.

Many come at once, and stand in line for the lock of the organization: what needs no lock is done
before it is taken, and under it nothing is asked twice.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.errors import EmailNotVerifiedError
from accounts.models import User
from core.errors import FieldProblem, InvalidError
from core.events import publish
from core.models import MailedToken
from invitations import facts, link_tokens, standing
from invitations.errors import (
    AccountLeavingError,
    DomainNotAdmittedError,
    FormerMemberError,
    InvitationExpiredError,
    InvitationGoneError,
    InvitationRevokedError,
    LinkUsedUpError,
)
from invitations.events import InvitationLinkUsed
from invitations.models import InvitationLink, InvitationPolicy
from invitations.repositories import LinkRepository
from organizations.models import Membership, Organization
from organizations.services import members

Status = InvitationLink.Status


def is_link(token: str) -> bool:
    """Tell whether a token is of a link, whatever became of it, and not of a mail."""
    return link_tokens.find(token) is not None


def preview(*, token: str, now: datetime) -> InvitationLink:
    """Look without using it. Raises GoneError for what nobody could join by."""
    found = _find(token)
    link = _link(InvitationLink.objects.with_people(), found)
    _require_open(link, found, now=now)
    standing.require_place(link.organization)
    standing.require_maker(link)
    return link


@transaction.atomic
def join(*, token: str, user_id: UUID, now: datetime) -> Membership:
    """Let somebody in. Who belongs already costs no use, whatever became of the link.

    Raises GoneError, EmailNotVerifiedError, DomainNotAdmittedError, FormerMemberError, and
    RoleGoneError or another ConflictError.
    """
    found = _find(token)
    user = User.objects.locked().by_id(user_id)  # first: two requests of one person take turns
    link = _link(InvitationLink.objects.all(), found)
    here = Membership.objects.for_organization(link.organization_id).with_organization()
    belongs = here.of(user.pk).active().exists()
    link = _locked(link) if belongs else _locked_open(link, found, now=now)
    before = here.of(user.pk).first()
    if before is not None and before.is_active:
        return before
    _require_open(link, _find(token), now=now)  # read anew: a rotation may have come before us
    standing.require_maker(link)
    role = standing.role_of(link)
    _require_guest(link, user)
    if before is not None:
        raise FormerMemberError
    InvitationLink.objects.change(link, uses=link.uses + 1)
    joined = members.add(
        organization_id=link.organization_id,
        actor_id=user.pk,
        user_id=user.pk,
        role=role,
        now=now,
    )
    publish(InvitationLinkUsed(**facts.of_link(link, user.pk)))
    return joined


def decline(*, token: str, block: bool, now: datetime) -> None:
    """Nothing changes: others may still use it. Raises GoneError, or InvalidError for a block."""
    preview(token=token, now=now)
    if block:
        detail = "This link was sent to no address, so there is none to block."
        raise InvalidError(FieldProblem("/block", "invalid", detail))


def _find(token: str) -> MailedToken:
    found = link_tokens.find(token)
    if found is None:
        raise InvitationGoneError
    return found


def _link(rows: LinkRepository, found: MailedToken) -> InvitationLink:
    link = rows.find(found.subject_id)
    if link is None:
        raise InvitationGoneError
    return link


def _locked_open(link: InvitationLink, found: MailedToken, *, now: datetime) -> InvitationLink:
    """Like `_locked`. What is over stays so: nobody stands in line to be told that, and who stood
    there holds up nobody behind them.
    """
    _require_open(link, found, now=now)
    locked = _locked(link)
    _require_open(locked, found, now=now)
    return locked


def _locked(link: InvitationLink) -> InvitationLink:
    """Lock in the order of the house, organization and link. Raises InvitationGoneError."""
    organization = Organization.objects.locked().find(link.organization_id)
    locked = InvitationLink.objects.with_people().locked().find(link.pk)
    if organization is None or locked is None:
        raise InvitationGoneError
    locked.organization = organization
    standing.require_place(organization)
    return locked


def _require_open(link: InvitationLink, found: MailedToken, *, now: datetime) -> None:
    status = link.status(now=now)
    if status == Status.REVOKED or found.superseded_at is not None:
        raise InvitationRevokedError
    if status == Status.USED_UP:
        raise LinkUsedUpError
    if status == Status.EXPIRED:
        raise InvitationExpiredError


def _require_guest(link: InvitationLink, user: User) -> None:
    if not user.email_verified:
        raise EmailNotVerifiedError
    if user.deletion_due_at is not None:
        raise AccountLeavingError
    policy = InvitationPolicy.objects.of(link.organization_id)
    if not (policy.admits(user.email_normalized) and link.admits(user.email_normalized)):
        raise DomainNotAdmittedError
