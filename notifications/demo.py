"""Notifications for the people of development."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from accounts.demo import USER
from accounts.models import User
from core.demo import Login
from notifications.messages import Message
from notifications.models import Broadcast
from notifications.services import broadcasting, sending
from organizations.demo import ACME, MANAGER, OWNER
from organizations.models import Organization

TEXTS = [
    ("success", "The order of Harbour & Sons is paid", "240 lamps leave the house on Thursday."),
    (
        "warning",
        "Stock of the brass lamp is low",
        "Eleven are left, and about four a day are sold.",
    ),
    ("info", "The new catalogue is ready to read", ""),
    ("error", "The nightly import failed", "The file had no header. Nothing was changed."),
]


def seed() -> Sequence[Login]:
    """Tell them, once: an organization that was told something stays as it is."""
    acme = Organization.objects.by_slug(ACME)
    if acme is not None and not Broadcast.objects.for_organization(acme.pk).exists():
        _tell(acme)
    return []


def _tell(acme: Organization) -> None:
    now = timezone.now()
    people = [User.objects.by_email(person.email) for person in (OWNER, MANAGER, USER)]
    ids = [user.pk for user in people if user is not None]
    for age, (kind, title, body) in enumerate(TEXTS):
        message = Message(
            "shop.news",
            title=title,
            body=body,
            type=kind,
            organization_id=acme.pk,
            actions=[{"label": "See", "url": "/"}],
            dedupe_key=f"demo-{age}",
        )
        sending.notify(message, user_ids=ids, now=now - timedelta(hours=3 * age))
    welcome = Message(
        "message",
        title="The house is open on Saturday",
        body="Come and see the lamps that are new this autumn.",
        organization_id=acme.pk,
    )
    broadcasting.broadcast(welcome, include_later_joiners=True, now=now)
