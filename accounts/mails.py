"""The mails that accounts send. Nothing here is a transaction: mail is slow and can't be undone."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts.models import User
from accounts.services.registration import LINK_LIFETIME, NOTICE
from core import mail, tokens
from core.models import MailedToken


def send_verification(*, token_id: UUID, now: datetime) -> None:
    """Mail the link, or tell the owner of a proved address that somebody registered with it.

    Nothing when there is nobody to mail to, when the link is over, or when the address was proved
    or changed in the meantime.
    """
    token = MailedToken.objects.unspent().find(token_id)
    user = User.objects.active().find(token.subject_id) if token else None
    if token is None or user is None or token.expires_at <= now:
        return
    if token.binding != user.email_normalized:
        return
    if token.purpose == NOTICE:
        _send_notice(user)
    elif user.awaits_proof:
        _send_link(user, token)


def _send_link(user: User, token: MailedToken) -> None:
    context = {
        "full_name": token.data["full_name"],
        "link": f"{settings.PUBLIC_URL}/verify-email/{tokens.secret_of(token)}",
        "expires_in_hours": int(LINK_LIFETIME.total_seconds() // 3600),
    }
    mail.send("verify_email", to=user.email, context=context)


def _send_notice(user: User) -> None:
    context = {
        "full_name": user.full_name,
        "sign_in_url": settings.PUBLIC_URL,
        "reset_url": settings.PUBLIC_URL,
    }
    mail.send("already_registered", to=user.email, context=context)
