"""From an address to an account that its owner has proved.

Anybody can register an address that is not theirs, with a password they know, hoping that the
owner will confirm it. Why that does not get them in:

- An account that nobody has proved can't be signed in to, and registering it again changes nothing
  of it. What a registration chose stands in its own link alone, and takes effect when that link is
  opened: the owner who opens the link of their own registration gets their own password.
- A link that was asked for anew belongs to no registration. It carries what the only open one
  chose; if there are several, nobody can say whose it is, and it carries a password that fits
  nothing: its owner proves the address, and then chooses a password as one who forgot it.
- A registration whose mail is held back, because the mailbox got too many, leaves its person with
  none but other people's links. So it takes the choice out of every open one.
- The proof ends every session, every other link, and with them every other choice.
- An invitation is mailed too: who registers with the token of one has proved the address.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import addresses, joining, passwords
from accounts.errors import RegistrationClosedError
from accounts.events import EmailVerified, LinkRequested
from accounts.joining import Joining
from accounts.models import User
from accounts.services import sessions
from core import ratelimits, tokens
from core.errors import DomainError, FieldProblem, InvalidError
from core.events import publish
from core.models import new_id

PURPOSE = "verify_email"
NOTICE = "registered_again"
"""The purpose of a token that stands for a mail without a link; nothing spends it."""
LINK_LIFETIME = timedelta(hours=24)


def register(
    *, email: str, password: str, full_name: str, invitation_token: str = "", now: datetime
) -> None:
    """Open an account, or say nothing: the caller can't tell whether the address has one.

    The owner of a proved address is told by mail and nothing else changes. Whatever the address
    is, the same statements run. With the token of an invitation to this address the account is
    proved, and its person joins; any other token is as good as none. Raises InvalidError for a bad
    address or password, and RegistrationClosedError for who needs such a token here.
    """
    _check(email=email, password=password, full_name=full_name)
    welcoming = joining.welcoming(token=invitation_token, email=email, now=now)
    if welcoming is None and settings.REGISTRATION == "invited":
        raise RegistrationClosedError
    chosen = {"password": passwords.hashed(password), "full_name": full_name}
    if welcoming is not None and _joined(welcoming, email, chosen, invitation_token, now=now):
        return
    if _may_mail(email):
        _open_account(email, chosen, now=now)
    else:
        _disarm_links(email)


def resend_verification(*, email: str, now: datetime) -> None:
    """Mail a new link and end the ones before it; nothing for unknown or proved addresses.

    Which of these an address is shows neither in the answer nor in the statements that run.
    """
    if _may_mail(email):
        _renew_link(email, now=now)


@transaction.atomic
def verify_email(*, token: str, now: datetime) -> User:
    """Take an address as proved. Raises GoneError when the link is over or the address changed."""
    subject = tokens.look_up(purpose=PURPOSE, secret=token, now=now).subject_id
    user = User.objects.locked().find(subject)  # before its tokens, whichever of them is used
    spent = tokens.spend(purpose=PURPOSE, secret=token, now=now)
    if user is None or user.email_normalized != spent.binding or user.email_verified:
        raise tokens.TokenSupersededError
    _prove(user, spent.data, now=now)
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
    chosen = {"password": passwords.hashed(password), "full_name": full_name}
    user, is_new = User.objects.add_account(
        email=email,
        email_verified_at=now if verified else None,
        is_staff=staff,
        is_superuser=staff,
        **chosen,
    )
    if not is_new:
        raise InvalidError(FieldProblem("/email", "invalid", "This address has an account."))
    if not verified:
        _send(user, data=chosen, keep_earlier=True, now=now)
    return user


def _joined(
    welcoming: Joining, email: str, chosen: dict[str, str], token: str, *, now: datetime
) -> bool:
    """Open an account that is proved by the token of an invitation, and join, all or nothing.

    False where that is not possible: an address that was proved before, an invitation that ended
    at this moment.
    """
    try:
        with transaction.atomic():
            user, _ = User.objects.add_account(email=email, **chosen)
            if not user.awaits_proof:
                return False
            _prove(user, chosen, now=now)
            welcoming.join(token=token, user=user, now=now)
    except DomainError:
        return False
    return True


def _prove(user: User, chosen: dict[str, str], *, now: datetime) -> None:
    """Take the address as proved, and what its owner chose; end all that others may have made."""
    User.objects.change(user, email_verified_at=now, **chosen)
    tokens.revoke(purpose=PURPOSE, subject_id=user.pk, now=now)
    sessions.end_every_session(user=user, reason="address proved", now=now)
    publish(EmailVerified(user_id=user.pk))


@transaction.atomic
def _open_account(email: str, chosen: dict[str, str], *, now: datetime) -> None:
    user, _ = User.objects.add_account(email=email, **chosen)
    _send(user, data=chosen if user.awaits_proof else {}, keep_earlier=True, now=now)


@transaction.atomic
def _renew_link(email: str, *, now: datetime) -> None:
    user = _waiting(email)
    choices = tokens.open_data(purpose=PURPOSE, subject_id=_subject(user))
    choice = choices[0] if len(choices) == 1 else _no_choice()
    _send(user, data=choice, keep_earlier=False, now=now)


@transaction.atomic
def _disarm_links(email: str) -> None:
    user = _waiting(email)
    tokens.replace_data(purpose=PURPOSE, subject_id=_subject(user), data=_no_choice())


def _send(user: User | None, *, data: dict[str, str], keep_earlier: bool, now: datetime) -> None:
    """Have a link mailed, or a notice where there is nothing to prove; to nobody for None.

    A mail to nobody has its row and its job too: the caller can't tell by the time it took.
    """
    token = tokens.issue(
        purpose=PURPOSE if user is None or user.awaits_proof else NOTICE,
        subject_id=_subject(user),
        binding=user.email_normalized if user else "",
        lifetime=LINK_LIFETIME,
        now=now,
        data=data,
        keep_earlier=keep_earlier,
    )
    publish(LinkRequested(token_id=token.pk))


def _waiting(email: str) -> User | None:
    """Return the account that waits for its proof, locked; None for any other address."""
    user = User.objects.locked().by_email(email)
    return user if user and user.awaits_proof else None


def _subject(user: User | None) -> UUID:
    return user.pk if user else new_id()


def _no_choice() -> dict[str, str]:
    return {"password": passwords.unusable(), "full_name": ""}


def _may_mail(email: str) -> bool:
    """Count a mail to this mailbox. The caller of the API is not told when there were too many."""
    verdict = ratelimits.hit("verification_mails", addresses.throttle_key(email))
    return verdict is None or verdict.allowed


def _check(*, email: str, password: str, full_name: str) -> None:
    try:
        addresses.normalize(email)
    except ValueError as error:
        raise InvalidError(FieldProblem("/email", "invalid", str(error))) from None
    found = passwords.complaints(password, email=email, full_name=full_name)
    if found:
        raise InvalidError(*(FieldProblem("/password", "invalid", text) for text in found))
