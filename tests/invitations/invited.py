"""Invitations made through the services, and the links that would be mailed."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from core import tokens
from core.models import MailedToken
from invitations import links
from invitations.models import Invitation
from invitations.services import sending
from organizations.models import Membership, Organization

MINE = "/api/v1/invitations"
ADA = "ada@example.com"


def invite(
    organization: Organization, by: User, email: str = ADA, role: str = "member", **more: Any
) -> Invitation:
    now = more.pop("now", None) or timezone.now()
    return sending.create(
        organization_id=organization.pk, actor_id=by.pk, email=email, role=role, now=now, **more
    )


def secret(invitation: Invitation) -> str:
    """Return what the newest link of an invitation holds, whatever became of it."""
    issued = MailedToken.objects.of(links.PURPOSE, invitation.pk)
    token = issued.order_by("-created_at", "-id").first()
    assert token is not None
    return tokens.secret_of(token)


def address(organization: Organization, invitation: Invitation | None = None) -> str:
    base = f"/api/v1/organizations/{organization.pk}/invitations"
    return f"{base}/{invitation.pk}" if invitation else base


def fresh(invitation: Invitation) -> Invitation:
    return Invitation.objects.by_id(invitation.pk)


def expire(invitation: Invitation, *, seconds: float = 1) -> None:
    """Let it have expired so long ago."""
    past = timezone.now() - timedelta(seconds=seconds)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=past)


def role_of(organization: Organization, user: User) -> str | None:
    here = Membership.objects.for_organization(organization.pk).active()
    membership = here.of(user.pk).first()
    return membership.role_key if membership else None


def everything() -> tuple[Any, ...]:
    """Return every row but for the note that somebody looked, by which nothing is decided."""
    models = (Invitation, Membership, MailedToken, User)
    return tuple(
        [row | {"previewed_at": None} for row in model._default_manager.order_by("pk").values()]
        for model in models
    )
