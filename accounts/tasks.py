"""Jobs of accounts. Each may run more than once; what it does twice is one harmless mail."""

from uuid import UUID

from django.utils import timezone

from accounts import mails
from core.jobs import job


@job(queue="mail")
def mail_link(*, token_id: str) -> None:
    mails.send_link(token_id=UUID(token_id), now=timezone.now())


@job(queue="mail")
def mail_password_changed(*, user_id: str) -> None:
    mails.send_password_changed(user_id=UUID(user_id))


@job(queue="mail")
def mail_session_notice(*, template: str, session_id: str) -> None:
    mails.send_session_notice(template, session_id=UUID(session_id))
