"""The mails that accounts send. Nothing here is a transaction: mail is slow and can't be undone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts import addresses
from accounts.models import User, UserSession
from accounts.services import address_change, deletion, password, registration
from core import mail, moments, tokens
from core.models import MailedToken

Link = Callable[[User, MailedToken], None]


def send_link(*, token_id: UUID, now: datetime) -> None:
    """Mail what the token's purpose says.

    Nothing when there is nobody to mail to, when the link is over, or when what it is about was
    changed in the meantime.
    """
    token = MailedToken.objects.unspent().find(token_id)
    user = User.objects.active().find(token.subject_id) if token else None
    if token is not None and user is not None and now < token.expires_at:
        LINKS[token.purpose](user, token)


def reset_link(token: MailedToken) -> str:
    """Return the address that the mail would show, for an operator to hand over."""
    return _link("reset-password", token)


def send_password_changed(*, user_id: UUID) -> None:
    user = User.objects.active().find(user_id)
    if user is not None:
        _send("password_changed", user, user.email, {})


def send_session_notice(template: str, *, session_id: UUID) -> None:
    """Mail `new_device` or `session_ended` about a session that is not pruned yet."""
    session = UserSession.objects.with_user().find(session_id)
    if session is not None and session.user.is_active:
        about = {
            "device": _device(session),
            "ip_address": session.ip_address,
            "signed_in_at": moments.in_words(session.created_at, zone=session.user.time_zone),
        }
        _send(template, session.user, session.user.email, about)


def _verify(user: User, token: MailedToken) -> None:
    if user.awaits_proof and token.binding == user.email_normalized:
        link = _link("verify-email", token)
        hours = _hours(registration.LINK_LIFETIME.total_seconds())
        context = {"full_name": token.data["full_name"], "link": link, "expires_in_hours": hours}
        mail.send("verify_email", to=user.email, context=context)


def _registered_again(user: User, token: MailedToken) -> None:
    if token.binding == user.email_normalized:
        _send("already_registered", user, user.email, {})


def _reset(user: User, token: MailedToken) -> None:
    if token.binding == user.email_normalized:
        hours = _hours(password.LINK_LIFETIME.total_seconds())
        words = {"link": _link("reset-password", token), "expires_in_hours": hours}
        _send("reset_password", user, user.email, words)


def _confirm_address(user: User, token: MailedToken) -> None:
    new = token.data["email"]
    other = User.objects.by_email(new)
    if token.binding == user.email_normalized and not (other and other.email_verified):
        hours = _hours(address_change.CONFIRM_LIFETIME.total_seconds())
        words = {"link": _link("confirm-email", token), "expires_in_hours": hours}
        _send("confirm_email", user, new, words)


def _address_changed(user: User, token: MailedToken) -> None:
    if user.email_normalized != token.binding:  # else it is back already
        hours = _hours(address_change.REVERT_LIFETIME.total_seconds())
        words = {
            "link": _link("revert-email", token),
            "expires_in_hours": hours,
            "new_email": addresses.masked(user.email),
        }
        _send("email_changed", user, token.data["email"], words)


def _deletion_requested(user: User, token: MailedToken) -> None:
    if user.deletion_due_at is not None:
        due = moments.in_words(user.deletion_due_at, zone=user.time_zone)
        words = {"link": _link("cancel-deletion", token), "due_at": due}
        _send("deletion_requested", user, user.email, words)


def _send(template: str, user: User, to: str, words: Mapping[str, object]) -> None:
    context = {
        "full_name": user.full_name,
        "sign_in_url": settings.PUBLIC_URL,
        "reset_url": f"{settings.PUBLIC_URL}/forgot-password",
    }
    mail.send(template, to=to, context={**context, **words})


def _device(session: UserSession) -> str:
    """Return what the device calls itself, unless a mail program would make a link of it."""
    name = session.device.partition("/")[0]  # "curl/8.5" is no link, and less is enough
    return name if name and not mail.LOOKS_LIKE_A_LINK.search(name) else "an unknown device"


def _link(page: str, token: MailedToken) -> str:
    return f"{settings.PUBLIC_URL}/{page}/{tokens.secret_of(token)}"


def _hours(seconds: float) -> int:
    return int(seconds // 3600)


LINKS: dict[str, Link] = {
    registration.PURPOSE: _verify,
    registration.NOTICE: _registered_again,
    password.RESET: _reset,
    password.CHANGE_ADDRESS: _confirm_address,
    address_change.REVERT: _address_changed,
    deletion.CANCEL: _deletion_requested,
}
