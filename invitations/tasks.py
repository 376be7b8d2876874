"""Jobs of invitations. Each may run more than once; what it does twice is one harmless mail."""

from uuid import UUID

from django.utils import timezone

from core.jobs import job, periodic
from invitations import mails
from invitations.services import expiring


@job(queue="mail")
def mail_invitation(*, invitation_id: str) -> None:
    mails.deliver(invitation_id=UUID(invitation_id), now=timezone.now())


@periodic(cron="*/5 * * * *")
def tell_of_expired() -> None:
    expiring.sweep(now=timezone.now())
