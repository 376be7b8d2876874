"""Jobs of invitations. Each may run more than once; what it does twice is one harmless mail."""

from uuid import UUID

from django.utils import timezone

from core.jobs import job
from invitations import mails


@job(queue="mail")
def mail_invitation(*, invitation_id: str) -> None:
    mails.deliver(invitation_id=UUID(invitation_id), now=timezone.now())
