"""What happens with a link that many may use: look, join. The address has to be proved before."""

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
from organizations.models import Membership, Organization
from organizations.services import members

Status = InvitationLink.Status


def is_link(token: str) -> bool:
    """Tell whether a token is of a link, whatever became of it, and not of a mail."""
    return link_tokens.find(token) is not None


def preview(*, token: str, now: datetime) -> InvitationLink:
    """Look without using it. Raises GoneError for what nobody could join by."""
    found = _find(token)
    link = InvitationLink.objects.with_people().by_id(found.subject_id)
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
    user, link = _begin(user_id, _find(token).subject_id)
    standing.require_place(link.organization)
    here = Membership.objects.for_organization(link.organization_id).with_organization()
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
    if found is None or InvitationLink.objects.find(found.subject_id) is None:
        raise InvitationGoneError
    return found


def _begin(user_id: UUID, link_id: UUID) -> tuple[User, InvitationLink]:
    """Lock in the order of the house: person, organization, link."""
    user = User.objects.locked().by_id(user_id)
    organization_id = InvitationLink.objects.by_id(link_id).organization_id
    organization = Organization.objects.locked().find(organization_id)
    link = InvitationLink.objects.with_people().locked().find(link_id)
    if organization is None or link is None:
        raise InvitationGoneError
    link.organization = organization
    return user, link


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
