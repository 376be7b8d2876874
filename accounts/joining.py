"""What a token that comes with a registration is good for, by the app that mailed it.

Accounts know nothing of invitations. The app that has them registers itself in `apps.py`:

    joining.register(Invitations())

A token that was mailed to the address proves it, so the account needs no other mail. The account,
its proof and what the token is for are committed together or not at all.
"""

from datetime import datetime
from typing import Protocol

from accounts.models import User


class Joining(Protocol):
    def welcomes(self, *, token: str, email: str, now: datetime) -> bool:
        """Tell whether the token was mailed to this address, and still holds."""

    def join(self, *, token: str, user: User, now: datetime) -> None:
        """Let the person in, whose row is locked. A DomainError undoes the registration."""


_registered: list[Joining] = []


def register(joining: Joining) -> None:
    _registered.append(joining)


def welcoming(*, token: str, email: str, now: datetime) -> Joining | None:
    """Return who honors the token for this address; None for a token that is good for nothing."""
    if not token:
        return None
    found = (each for each in _registered if each.welcomes(token=token, email=email, now=now))
    return next(found, None)
