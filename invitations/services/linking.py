"""What members do with links that many may use: make, give a new address, take back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import FieldProblem, ForbiddenError, InvalidError
from core.events import publish
from invitations import facts, link_tokens, standing
from invitations.errors import LinkClosedError
from invitations.events import (
    InvitationLinkCreated,
    InvitationLinkRevoked,
    InvitationLinkRotated,
)
from invitations.models import DEFAULT_USES, LINK_LIFETIME, LONGEST_LINK, InvitationLink
from invitations.permissions import MANAGE
from invitations.services.policies import domains
from organizations import access
from organizations.access import Rights, Role


@transaction.atomic
def create(
    *,
    organization_id: UUID,
    actor_id: UUID,
    role: str,
    max_uses: int = DEFAULT_USES,
    allowed_domains: Sequence[str] = (),
    expires_at: datetime | None = None,
    now: datetime,
) -> tuple[InvitationLink, str]:
    """Return the link and its address, which is not shown again. Raises ForbiddenError for a role
    that the actor may not hand around, and InvalidError.
    """
    _, rights = access.begin(organization_id, actor_id)
    rights.require(MANAGE)
    offered = access.role(organization_id, role)
    _require_hand_around(rights, offered)
    link = InvitationLink.objects.add(
        organization_id=organization_id,
        role=offered.key,
        custom_role=offered.custom,
        max_uses=max_uses,
        allowed_domains=domains(allowed_domains, "/allowed_domains"),
        expires_at=_checked(expires_at, now=now),
        created_by_id=actor_id,
        created_at=now,
    )
    publish(InvitationLinkCreated(**facts.of_link(link, actor_id), max_uses=max_uses))
    return link, link_tokens.issue(link, now=now)


@transaction.atomic
def rotate(
    *, organization_id: UUID, actor_id: UUID, link_id: UUID, now: datetime
) -> tuple[InvitationLink, str]:
    """Return the link and a new address; the one before works no longer, all else stays.

    Raises LinkClosedError where nobody could join by it, ForbiddenError or RoleGoneError.
    """
    link, rights = _begin(organization_id, actor_id, link_id)
    status = link.status(now=now)
    if status != InvitationLink.Status.OPEN:
        raise LinkClosedError(status)
    _require_hand_around(rights, standing.role_of(link))
    publish(InvitationLinkRotated(**facts.of_link(link, actor_id)))
    return link, link_tokens.issue(link, now=now)


@transaction.atomic
def revoke(*, organization_id: UUID, actor_id: UUID | None, link_id: UUID, now: datetime) -> None:
    """Take it back; a second call does nothing. Who joined by it stays."""
    link, _ = _begin(organization_id, actor_id, link_id)
    if link.revoked_at is None:
        InvitationLink.objects.change(link, revoked_at=now)
        link_tokens.end(link, now=now)
        publish(InvitationLinkRevoked(**facts.of_link(link, actor_id)))


def _begin(
    organization_id: UUID, actor_id: UUID | None, link_id: UUID
) -> tuple[InvitationLink, Rights]:
    _, rights = access.begin(organization_id, actor_id)
    rights.require(MANAGE)
    here = InvitationLink.objects.for_organization(organization_id).with_people()
    return here.locked().by_id(link_id), rights


def _require_hand_around(rights: Rights, offered: Role) -> None:
    rights.require_grant(offered.permissions)
    if not standing.may_hand_around(rights.permissions, offered.permissions):
        raise ForbiddenError(
            "Only an owner can make a link for a role with more rights than a member's."
        )


def _checked(expires_at: datetime | None, *, now: datetime) -> datetime:
    if expires_at is None:
        return now + LINK_LIFETIME
    if now < expires_at <= now + LONGEST_LINK:
        return expires_at
    detail = f"Choose a moment within the next {LONGEST_LINK.days} days."
    raise InvalidError(FieldProblem("/expires_at", "invalid", detail))
