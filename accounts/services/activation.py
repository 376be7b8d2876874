"""Shutting an account, and opening it again. An operator does this, never the person."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.events import AccountDeactivated, AccountReactivated
from accounts.models import User
from accounts.services import password, registration, sessions
from core import tokens
from core.events import publish

ENDING_LINKS = [password.RESET, password.CHANGE_ADDRESS, registration.PURPOSE]
"""The others give an account back to its owner, or keep it: they outlive being deactivated."""


@transaction.atomic
def deactivate(*, user_ids: Iterable[UUID], now: datetime) -> int:
    """Shut accounts, end all their sessions and open links; return how many were open."""
    users = list(User.objects.among(user_ids).active().locked())
    for user in users:
        User.objects.change(user, is_active=False)
        publish(AccountDeactivated(user_id=user.pk))
        sessions.end_every_session(user=user, reason="account deactivated", now=now)
        for purpose in ENDING_LINKS:
            tokens.revoke(purpose=purpose, subject_id=user.pk, now=now)
    return len(users)


@transaction.atomic
def end_sessions(*, user_ids: Iterable[UUID], now: datetime) -> int:
    """Sign people out everywhere; return how many sessions were open."""
    users = list(User.objects.among(user_ids).locked())
    return sum(
        sessions.end_every_session(user=user, reason="ended by an operator", now=now)
        for user in users
    )


@transaction.atomic
def reactivate(*, user_ids: Iterable[UUID]) -> int:
    """Open accounts again; return how many were shut. What ended with them stays ended."""
    users = list(User.objects.among(user_ids).inactive().locked())
    for user in users:
        User.objects.change(user, is_active=True)
        publish(AccountReactivated(user_id=user.pk))
    return len(users)
