"""Moving an account to another address, and back within 72 hours.

The new address has to be proved before anything changes. The old one then gets a link that undoes
the change and ends every session: whoever took an account over can't keep it by moving it away.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts import addresses
from accounts.events import AddressChanged, LinkRequested
from accounts.models import User, UserSession
from accounts.services import credentials, password, sessions
from accounts.services.password import CHANGE_ADDRESS
from core import tokens
from core.errors import ConflictError, FieldProblem, InvalidError
from core.events import publish
from core.models import MailedToken

REVERT = "revert_email"
CONFIRM_LIFETIME = timedelta(hours=24)
REVERT_LIFETIME = timedelta(hours=72)


class AddressTakenError(ConflictError):
    detail = "Another account has this address by now. Nothing was changed."


def request(*, user: User, email: str, password: str, now: datetime) -> None:
    """Mail a link to the new address; an earlier request ends. An address in use gets no mail.

    Raises InvalidError for a wrong password or what is no new address, and LimitReachedError.
    """
    credentials.prove(user, password=password, pointer="/password")
    new = _new_address(user, email)
    with transaction.atomic():
        token = tokens.issue(
            purpose=CHANGE_ADDRESS,
            subject_id=user.pk,
            binding=user.email_normalized,
            lifetime=CONFIRM_LIFETIME,
            now=now,
            data={"email": new},
        )
        publish(LinkRequested(token_id=token.pk))


def confirm(*, token: str, now: datetime) -> None:
    """Move the account to the address that the link proves. Raises GoneError, AddressTakenError."""
    with _conflicts(), transaction.atomic():
        user, spent = _spend(CHANGE_ADDRESS, token, now=now)
        if user.email_normalized != spent.binding:
            raise tokens.TokenSupersededError
        old = user.email
        _move(user, spent.data["email"], now=now)
        _offer_return(user, old, now=now)


def revert(*, token: str, now: datetime) -> None:
    """Move the account back, end every session, and mail a link to choose another password.

    Raises GoneError, AddressTakenError.
    """
    with _conflicts(), transaction.atomic():
        user, spent = _spend(REVERT, token, now=now)
        _move(user, spent.data["email"], now=now)
        sessions.end_every_session(user=user, reason="address reverted", now=now)
        password.send_link(user, now=now)


@contextmanager
def _conflicts() -> Generator[None]:
    """Turn the database's word, when two take one address at once, into ours."""
    try:
        yield
    except IntegrityError:
        raise AddressTakenError from None


def _new_address(user: User, email: str) -> str:
    try:
        normal = addresses.normalize(email)
    except ValueError as error:
        raise InvalidError(FieldProblem("/email", "invalid", str(error))) from None
    if normal == user.email_normalized:
        raise InvalidError(FieldProblem("/email", "invalid", "This is the address you have."))
    return addresses.canonical(email)


def _spend(purpose: str, secret: str, *, now: datetime) -> tuple[User, MailedToken]:
    subject = tokens.look_up(purpose=purpose, secret=secret, now=now).subject_id
    user = User.objects.locked().find(subject)  # before its tokens, whichever of them is used
    spent = tokens.spend(purpose=purpose, secret=secret, now=now)
    if user is None or not user.is_active:
        raise tokens.TokenSupersededError
    return user, spent


def _move(user: User, email: str, *, now: datetime) -> None:
    """Write the address, and end every link that belonged to the one before."""
    other = User.objects.locked().by_email(email)
    if other is not None and other.pk != user.pk:
        if other.email_verified:
            raise AddressTakenError
        User.objects.remove(other)  # nobody ever proved it, and now somebody has
    User.objects.change(
        user, email=email, email_normalized=addresses.normalize(email), email_verified_at=now
    )
    for purpose in (CHANGE_ADDRESS, password.RESET):
        tokens.revoke(purpose=purpose, subject_id=user.pk, now=now)
    open_sessions = UserSession.objects.of(user).open(now=now).ids()
    publish(AddressChanged(user_id=user.pk, session_ids=open_sessions))


def _offer_return(user: User, old: str, *, now: datetime) -> None:
    token = tokens.issue(
        purpose=REVERT,
        subject_id=user.pk,
        binding=addresses.normalize(old),
        lifetime=REVERT_LIFETIME,
        now=now,
        data={"email": old},
        keep_earlier=True,  # moving twice must not take the first owner's way back
    )
    publish(LinkRequested(token_id=token.pk))
