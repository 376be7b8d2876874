"""Organizations and people in them, made through the services."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from core import events
from organizations import access
from organizations.models import CustomRole, Membership, Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient
from tests.conftest import make_user


def found(name: str, owner: User, *, slug: str | None = None) -> Organization:
    return lifecycle.create(owner=owner, name=name, slug=slug, now=timezone.now())


def join(organization: Organization, user: User, role: str) -> Membership:
    return members.add(
        organization_id=organization.pk,
        actor_id=None,
        user_id=user.pk,
        role=access.role(organization.pk, role),
        now=timezone.now(),
    )


def person(organization: Organization, role: str, *, email: str | None = None) -> User:
    """Make a user and let them in with this role; the address is `<role>@example.com`."""
    user = make_user(email or f"{role}@example.com")
    join(organization, user, role)
    return user


def custom_role(organization: Organization, key: str, *permissions: str) -> CustomRole:
    return CustomRole.objects.add(
        organization=organization, key=key, name=key.title(), permissions=list(permissions)
    )


def signed_in(user: User) -> ApiClient:
    client = ApiClient()
    client.sign_in(user)
    return client


def published(monkeypatch: pytest.MonkeyPatch, *kinds: type) -> list[Any]:
    """Return a list that fills with the events of these kinds as they are published."""
    heard: list[Any] = []
    for kind in kinds:
        handlers = [*events._handlers.get(kind, []), heard.append]
        monkeypatch.setitem(events._handlers, kind, handlers)
    return heard
