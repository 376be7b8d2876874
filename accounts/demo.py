"""People to sign in as during development. Production never sees them."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from accounts.services import registration


@dataclass(frozen=True, slots=True)
class DemoLogin:
    email: str
    password: str
    full_name: str
    staff: bool
    role: str


LOGINS = [
    DemoLogin("admin@example.com", "lamp-in-one-room", "Ada Admin", True, "admin and API"),
    DemoLogin("user@example.com", "quiet-house-at-night", "Uma User", False, "API"),
]


def seed() -> None:
    """Make the demo people, once; those that exist stay as they are."""
    for login in LOGINS:
        if User.objects.by_email(login.email) is None:
            registration.create_account(
                email=login.email,
                password=login.password,
                full_name=login.full_name,
                staff=login.staff,
                verified=True,
                now=timezone.now(),
            )
