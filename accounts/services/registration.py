"""From an address to an account that its owner has proved."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts import addresses, passwords
from accounts.events import EmailVerified, RegisteredAgain, VerificationRequested
from accounts.models import User
from core import tokens
from core.errors import FieldProblem, InvalidError
from core.events import publish

PURPOSE = "verify_email"
LINK_LIFETIME = timedelta(hours=24)


@transaction.atomic
def register(*, email: str, password: str, full_name: str, now: datetime) -> None:
    """Open an account, or say nothing: the caller can't tell whether the address has one.

    A verified address stays as it is and its owner is told. For one that nobody has proved yet,
    each registration carries its own password in its own link, and whoever opens a link wins: a
    password chosen by somebody else is dropped then. Raises InvalidError for a bad address or
    password.
    """
    _check(email=email, password=password, full_name=full_name)
    chosen = {"password": passwords.hashed(password), "full_name": full_name}
    user = User.objects.add_account(email=email, **chosen)
    if user is None:
        user = _account_of(email)
        if user.email_verified:
            publish(RegisteredAgain(user_id=user.pk))
            return
        User.objects.change(user, **chosen)
    _send_link(user, data=chosen, keep_earlier=True, now=now)


@transaction.atomic
def resend_verification(*, email: str, now: datetime) -> None:
    """Mail a new link and end the ones before it; nothing for unknown or verified addresses."""
    user = User.objects.by_email(email)
    if user is None or user.email_verified or not user.is_active:
        return
    data = {"password": user.password, "full_name": user.full_name}
    _send_link(user, data=data, keep_earlier=False, now=now)


@transaction.atomic
def verify_email(*, token: str, now: datetime) -> User:
    """Take an address as proved. Raises GoneError when the link is over or the address changed."""
    spent = tokens.spend(purpose=PURPOSE, secret=token, now=now)
    user = User.objects.locked().find(spent.subject_id)
    if user is None or user.email_normalized != spent.binding or user.email_verified:
        raise tokens.TokenSupersededError
    User.objects.change(user, email_verified_at=now, **spent.data)
    tokens.revoke(purpose=PURPOSE, subject_id=user.pk, now=now)
    publish(EmailVerified(user_id=user.pk))
    return user


@transaction.atomic
def create_account(
    *,
    email: str,
    password: str,
    full_name: str = "",
    verified: bool = False,
    staff: bool = False,
    now: datetime,
) -> User:
    """Open an account on an operator's word. Raises InvalidError when the address has one."""
    _check(email=email, password=password, full_name=full_name)
    user = User.objects.add_account(
        email=email,
        password=passwords.hashed(password),
        full_name=full_name,
        email_verified_at=now if verified else None,
        is_staff=staff,
        is_superuser=staff,
    )
    if user is None:
        raise InvalidError(FieldProblem("/email", "invalid", "This address has an account."))
    if not verified:
        data = {"password": user.password, "full_name": full_name}
        _send_link(user, data=data, keep_earlier=False, now=now)
    return user


def _check(*, email: str, password: str, full_name: str) -> None:
    try:
        addresses.normalize(email)
    except ValueError as error:
        raise InvalidError(FieldProblem("/email", "invalid", str(error))) from None
    found = passwords.complaints(password, email=email, full_name=full_name)
    if found:
        raise InvalidError(*(FieldProblem("/password", "invalid", text) for text in found))


def _account_of(email: str) -> User:
    user = User.objects.locked().by_email(email)
    if user is None:  # deleted between our insert and this look
        raise InvalidError(FieldProblem("/email", "invalid", "Try again in a moment."))
    return user


def _send_link(user: User, *, data: dict[str, str], keep_earlier: bool, now: datetime) -> None:
    token = tokens.issue(
        purpose=PURPOSE,
        subject_id=user.pk,
        binding=user.email_normalized,
        lifetime=LINK_LIFETIME,
        now=now,
        data=data,
        keep_earlier=keep_earlier,
    )
    publish(VerificationRequested(user_id=user.pk, token_id=token.pk))
