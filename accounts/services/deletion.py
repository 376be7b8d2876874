"""Deleting one's account: 14 days in which it can be taken back, then for good."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.errors import InvalidCredentialsError
from accounts.events import (
    AccountDeleted,
    AccountDeletionCancelled,
    AccountDeletionRequested,
    LinkRequested,
)
from accounts.models import User
from accounts.services import credentials, sessions
from core import tokens
from core.events import publish

CANCEL = "cancel_deletion"
GRACE = timedelta(days=14)


def request(*, user: User, password: str, now: datetime) -> datetime:
    """End every session and delete the account in 14 days; return the moment it will go.

    Whoever reacts to AccountDeletionRequested may refuse it with a ConflictError. Raises
    InvalidError for a wrong password, and LimitReachedError.
    """
    credentials.prove(user, password=password, pointer="/password")
    with transaction.atomic():
        row = User.objects.locked().by_id(user.pk)
        due = row.deletion_due_at or now + GRACE
        User.objects.change(row, deletion_due_at=due)
        publish(AccountDeletionRequested(user_id=row.pk, due_at=due))
        sessions.end_every_session(user=row, reason="account deletion requested", now=now)
        token = tokens.issue(
            purpose=CANCEL,
            subject_id=row.pk,
            binding=row.email_normalized,
            lifetime=due - now,
            now=now,
        )
        publish(LinkRequested(token_id=token.pk))
        return due


@transaction.atomic
def cancel(*, token: str, now: datetime) -> None:
    """Keep the account, with a mailed link. Raises GoneError."""
    subject = tokens.look_up(purpose=CANCEL, secret=token, now=now).subject_id
    user = User.objects.locked().find(subject)
    spent = tokens.spend(purpose=CANCEL, secret=token, now=now)
    if user is None or user.deletion_due_at is None or user.email_normalized != spent.binding:
        raise tokens.TokenSupersededError
    _keep(user, now=now)


def cancel_by_password(*, email: str, password: str, now: datetime) -> None:
    """Keep the account, with address and password; nothing when it was not going to be deleted.

    Raises InvalidCredentialsError or LimitReachedError.
    """
    found = User.objects.by_email(email)
    if not credentials.are_right(email=email, user=found, password=password) or found is None:
        raise InvalidCredentialsError
    with transaction.atomic():
        user = User.objects.locked().by_id(found.pk)
        if user.deletion_due_at is not None:
            _keep(user, now=now)


@transaction.atomic
def purge_some(limit: int, *, now: datetime) -> int:
    """Delete accounts whose time is up, at most `limit`; return how many."""
    due = list(User.objects.due_for_deletion(now=now).skipping_locked()[:limit])
    for user in due:
        publish(AccountDeleted(user_id=user.pk))
        tokens.forget(subject_id=user.pk)
        User.objects.remove(user)
    return len(due)


def _keep(user: User, *, now: datetime) -> None:
    User.objects.change(user, deletion_due_at=None)
    tokens.revoke(purpose=CANCEL, subject_id=user.pk, now=now)
    publish(AccountDeletionCancelled(user_id=user.pk))
