"""The mails that accounts send. Nothing here is a transaction: mail is slow and can't be undone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts.models import User, UserSession
from accounts.services import address_change, deletion, password, registration
from core import mail, tokens
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


def send_password_changed(*, user_id: UUID) -> None:
    user = User.objects.active().find(user_id)
    if user is not None:
        _send("password_changed", user, user.email, {})


def send_session_notice(template: str, *, session_id: UUID) -> None:
    """Mail `new_device` or `session_ended` about a session that is not pruned yet."""
    session = UserSession.objects.with_user().find(session_id)
    if session is not None and session.user.is_active:
        about = {
            "device": session.device or "an unknown device",
            "ip_address": session.ip_address,
            "signed_in_at": session.created_at,
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
        _send("already_registered", user, user.email, {"reset_url": settings.PUBLIC_URL})


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
    hours = _hours(address_change.REVERT_LIFETIME.total_seconds())
    words = {
        "link": _link("revert-email", token),
        "expires_in_hours": hours,
        "new_email": user.email,
    }
    _send("email_changed", user, token.data["email"], words)


def _deletion_requested(user: User, token: MailedToken) -> None:
    if user.deletion_due_at is not None:
        words = {"link": _link("cancel-deletion", token), "due_at": user.deletion_due_at}
        _send("deletion_requested", user, user.email, words)


def _send(template: str, user: User, to: str, words: Mapping[str, object]) -> None:
    context = {"full_name": user.full_name, "email": user.email, "sign_in_url": settings.PUBLIC_URL}
    mail.send(template, to=to, context={**context, **words})


def _link(page: str, token: MailedToken) -> str:
    return f"{settings.PUBLIC_URL}/{page}/{tokens.secret_of(token)}"


def _hours(seconds: float) -> int:
    return int(seconds // 3600)


LINKS: dict[str, Link] = {
    registration.PURPOSE: _verify,
    registration.NOTICE: _registered_again,
    password.RESET: _reset,
    address_change.CHANGE_ADDRESS: _confirm_address,
    address_change.REVERT: _address_changed,
    deletion.CANCEL: _deletion_requested,
}
