"""The mails that accounts send. Nothing here is a transaction: mail is slow and can't be undone."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts.models import User
from accounts.services.registration import LINK_LIFETIME
from core import mail, tokens
from core.models import MailedToken


def send_verification_link(*, user_id: UUID, token_id: UUID, now: datetime) -> None:
    """Mail the link, unless it is over or the address was proved or changed in the meantime."""
    user, token = User.objects.find(user_id), MailedToken.objects.unspent().find(token_id)
    if user is None or token is None or token.expires_at <= now or user.email_verified:
        return
    if token.binding != user.email_normalized:
        return
    context = {
        "full_name": token.data.get("full_name") or user.full_name,
        "link": f"{settings.PUBLIC_URL}/verify-email/{tokens.secret_of(token)}",
        "expires_in_hours": int(LINK_LIFETIME.total_seconds() // 3600),
    }
    mail.send("verify_email", to=user.email, context=context)


def send_registered_again(*, user_id: UUID) -> None:
    user = User.objects.find(user_id)
    if user is None or not user.is_active:
        return
    context = {
        "full_name": user.full_name,
        "sign_in_url": settings.PUBLIC_URL,
        "reset_url": settings.PUBLIC_URL,
    }
    mail.send("already_registered", to=user.email, context=context)
