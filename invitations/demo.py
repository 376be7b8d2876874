"""Invitations of every kind in the organizations of development. No mail goes out for them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import addresses
from accounts.models import User
from core.demo import Login
from invitations import links
from invitations.models import LIFETIME, Invitation
from organizations.demo import ACME, GLOBEX, LAMPLIGHTER, MANAGER, OWNER
from organizations.models import CustomRole, Organization

AGO = timedelta(days=3)
LONG_AGO = timedelta(days=30)


def seed() -> list[Login]:
    """Invite them, once: an organization that has invited anybody stays as it is."""
    now = timezone.now()
    for slug, plant in ((ACME, _in_acme), (GLOBEX, _in_globex)):
        found = Organization.objects.by_slug(slug)
        if found and not Invitation.objects.for_organization(found.pk).exists():
            plant(found, now)
    return []


@transaction.atomic
def _in_acme(acme: Organization, now: datetime) -> None:
    lamplighter = CustomRole.objects.for_organization(acme.pk).by_key(LAMPLIGHTER)
    _invite(acme, "lena.lantern@example.com", now - AGO, message="We could use your eye for light.")
    _invite(acme, "wick@example.com", now - AGO, role=LAMPLIGHTER, custom_role=lamplighter)
    _invite(acme, "late@example.com", now - LONG_AGO, role="viewer")
    _invite(acme, "no.thanks@example.com", now - LONG_AGO, declined_at=now - LONG_AGO + AGO)
    _invite(
        acme,
        MANAGER.email,
        now - LONG_AGO,
        role="admin",
        accepted_at=now - LONG_AGO + AGO,
        accepted_by=User.objects.by_email(MANAGER.email),
    )


@transaction.atomic
def _in_globex(globex: Organization, now: datetime) -> None:
    """One by the operators, to somebody who can sign in and accept it."""
    _invite(globex, OWNER.email, now - AGO, by_operator=True)


def _invite(organization: Organization, email: str, at: datetime, **more: Any) -> None:
    """Store one as it would be now, had it been sent then."""
    by = None if more.get("by_operator") else User.objects.by_email(OWNER.email)
    invitation = Invitation.objects.add(
        organization=organization,
        email=email,
        email_normalized=addresses.normalize(email),
        invited_by=by,
        created_at=at,
        expires_at=at + LIFETIME,
        last_sent_at=at,
        delivery=Invitation.Delivery.SENT,
        **{"role": "member", **more},
    )
    if invitation.is_open:
        links.issue(invitation, now=at, first=True)
