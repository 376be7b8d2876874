"""Jobs of accounts. Each may run more than once; what it does twice is one harmless mail."""

from uuid import UUID

from django.utils import timezone

from accounts import mails
from core.jobs import job


@job(queue="mail")
def mail_verification(*, token_id: str) -> None:
    mails.send_verification(token_id=UUID(token_id), now=timezone.now())
