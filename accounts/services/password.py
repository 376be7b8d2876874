"""Forgotten, reset and changed passwords."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import addresses, passwords
from accounts.events import LinkRequested, PasswordChanged
from accounts.models import User
from accounts.services import credentials, sessions
from accounts.services.registration import PURPOSE as VERIFY
from core import ratelimits, tokens
from core.errors import ConflictError, FieldProblem, InvalidError
from core.events import publish
from core.models import MailedToken, new_id
from core.ratelimits import Verdict

RESET = "reset_password"
LINK_LIFETIME = timedelta(hours=1)
CHANGE_ADDRESS = "change_email"


def ask_for_link(*, email: str, now: datetime) -> Verdict | None:
    """Mail a link to choose a new password; return how the limit of the address stands.

    Requests are counted by address, whether or not it has an account, for the API and the page
    together. Raises LimitReachedError.
    """
    verdict = ratelimits.take("forgot_password", addresses.throttle_key(email))
    forget(email=email, now=now)
    return verdict


@transaction.atomic
def forget(*, email: str, now: datetime) -> MailedToken:
    """Mail a link to choose a new password; earlier ones end.

    The same statements run, and a token comes back, also when nobody gets a mail: for unknown
    addresses and for accounts that were shut.
    """
    user = User.objects.active().by_email(email)
    return send_link(user, now=now)


def send_link(user: User | None, *, now: datetime) -> MailedToken:
    token = _token(user, now=now)
    publish(LinkRequested(token_id=token.pk))
    return token


@transaction.atomic
def issue_link(*, user: User, now: datetime) -> MailedToken:
    """Make such a link for an operator to hand over; nothing is mailed.

    Raises ConflictError for an account that is shut.
    """
    row = User.objects.locked().by_id(user.pk)
    if not row.is_active:
        raise ConflictError(f"{row.email} is deactivated. Reactivate the account first.")
    return _token(row, now=now)


def reset(*, token: str, password: str, now: datetime) -> None:
    """Choose a password with a mailed link, which also proves the address; ends every session.

    Raises InvalidError for a weak password, which leaves the link unspent, and GoneError.
    """
    subject = tokens.look_up(purpose=RESET, secret=token, now=now).subject_id
    person = User.objects.find(subject)
    if person is not None:
        _check(person, password, pointer="/password")
    encoded = passwords.hashed(password)  # slow, so before anything is locked
    with transaction.atomic():
        user = User.objects.locked().find(subject)  # before its tokens, whichever is used
        spent = tokens.spend(purpose=RESET, secret=token, now=now)
        if user is None or not user.is_active or user.email_normalized != spent.binding:
            raise tokens.TokenSupersededError
        _write(user, encoded, email_verified_at=user.email_verified_at or now, now=now)
        tokens.revoke(purpose=VERIFY, subject_id=user.pk, now=now)
        sessions.end_every_session(user=user, reason="password reset", now=now)


def change(
    *, user: User, current_password: str, new_password: str, session_id: UUID, now: datetime
) -> None:
    """Replace the password by one that the person chose; ends every session but `session_id`.

    Raises InvalidError for a wrong, weak or unchanged password, and LimitReachedError.
    """
    credentials.prove(user, password=current_password, pointer="/current_password")
    _check(user, new_password, pointer="/new_password")
    encoded = passwords.hashed(new_password)
    with transaction.atomic():
        if not User.objects.lock_unchanged(user):
            raise InvalidError(
                FieldProblem("/current_password", "invalid", "The password was changed just now.")
            )
        _write(user, encoded, now=now)
        sessions.end_other_sessions(user=user, kept=session_id, reason="password changed", now=now)


def _token(user: User | None, *, now: datetime) -> MailedToken:
    return tokens.issue(
        purpose=RESET,
        subject_id=user.pk if user else new_id(),
        binding=user.email_normalized if user else "",
        lifetime=LINK_LIFETIME,
        now=now,
    )


def _check(user: User, password: str, *, pointer: str) -> None:
    found = passwords.complaints(password, email=user.email, full_name=user.full_name)
    if not found and passwords.matches(user, password):
        found = ["This is the password you have. Choose another one."]
    if found:
        raise InvalidError(*(FieldProblem(pointer, "invalid", text) for text in found))


def _write(user: User, encoded: str, *, now: datetime, **fields: datetime) -> None:
    """Store the hash, and end every link that somebody who knew the old password may have made."""
    User.objects.change(user, password=encoded, **fields)
    for purpose in (RESET, CHANGE_ADDRESS):
        tokens.revoke(purpose=purpose, subject_id=user.pk, now=now)
    publish(PasswordChanged(user_id=user.pk))
