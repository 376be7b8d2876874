"""People to sign in as during development. Production never sees them."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from accounts.services import registration
from core.demo import Login


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    password: str
    full_name: str
    staff: bool = False


ADMIN = Person("admin@example.com", "lamp-in-one-room", "Ada Admin", staff=True)
USER = Person("user@example.com", "quiet-house-at-night", "Uma User")


def seed() -> list[Login]:
    """Make the demo people, once; those that exist stay as they are."""
    for person in (ADMIN, USER):
        account(person)
    return [
        Login(ADMIN.email, ADMIN.password, "admin and API"),
        Login(USER.email, USER.password, "API"),
    ]


def account(person: Person) -> User:
    """Return the account of the address, as it is, or a new one."""
    return User.objects.by_email(person.email) or registration.create_account(
        email=person.email,
        password=person.password,
        full_name=person.full_name,
        staff=person.staff,
        verified=True,
        now=timezone.now(),
    )
