"""Two organizations to look at during development, with somebody in every role."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.demo import USER, Person, account
from accounts.models import User
from core.demo import Login
from organizations import access, permissions
from organizations.models import CustomRole, Organization, Slug
from organizations.permissions import SystemRole
from organizations.services import lifecycle, members

ACME, GLOBEX = "acme-lamps", "globex-rooms"
PASSWORD = "a-lamp-in-every-room"  # noqa: S105  known to everybody, for development alone
OWNER = Person("owner@example.com", PASSWORD, "Olga Owner")
MANAGER = Person("manager@example.com", PASSWORD, "Max Manager")
VIEWER = Person("viewer@example.com", PASSWORD, "Vera Viewer")
LIGHTER = Person("lighter@example.com", PASSWORD, "Lin Lighter")
AWAY = Person("away@example.com", PASSWORD, "Avi Away")
LAMPLIGHTER = "lamplighter"
MAY = [permissions.UPDATE, permissions.READ_MEMBERS, permissions.READ_EMAILS]


def seed() -> list[Login]:
    """Make both, once; one that was renamed, changed or deleted since stays as it is."""
    now = timezone.now()
    if Slug.objects.by_slug(ACME) is None:
        _found_acme(now)
    if Slug.objects.by_slug(GLOBEX) is None:
        _found_globex(now)
    return [Login(OWNER.email, OWNER.password, "API, owner of Acme Lamps")]


@transaction.atomic
def _found_acme(now: datetime) -> None:
    acme = _found("Acme Lamps", ACME, OWNER, now)
    CustomRole.objects.add(
        organization=acme, key=LAMPLIGHTER, name="Lamplighter", permissions=sorted(MAY)
    )
    _let_in(acme, MANAGER, SystemRole.ADMIN, now)
    _let_in(acme, USER, SystemRole.MEMBER, now)
    _let_in(acme, VIEWER, SystemRole.VIEWER, now)
    _let_in(acme, LIGHTER, LAMPLIGHTER, now)
    away = _let_in(acme, AWAY, SystemRole.MEMBER, now)
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=away.pk, now=timezone.now())


@transaction.atomic
def _found_globex(now: datetime) -> None:
    globex = _found("Globex Rooms", GLOBEX, USER, now)
    _let_in(globex, MANAGER, SystemRole.VIEWER, now)


def _found(name: str, slug: str, owner: Person, now: datetime) -> Organization:
    return lifecycle.create_for(owner=account(owner), actor_id=None, name=name, slug=slug, now=now)


def _let_in(organization: Organization, person: Person, role: str, now: datetime) -> User:
    user = account(person)
    members.add(
        organization_id=organization.pk,
        actor_id=None,
        user_id=user.pk,
        role=access.role(organization.pk, role),
        now=now,
    )
    return user
