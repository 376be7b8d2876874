"""How invitations react, to their own events and to what happens to members.

Imported by InvitationsConfig.ready().
"""

from uuid import UUID

from django.utils import timezone

from accounts.events import AccountDeleted
from accounts.models import User
from core import tokens
from core.events import on
from core.postgres import row_security
from invitations import tasks
from invitations.events import InvitationCreated, InvitationResent
from invitations.models import Invitation
from invitations.services import sending
from organizations.events import MemberRemoved, MemberSuspended


@on(InvitationCreated)
def queue_the_mail(event: InvitationCreated) -> None:
    tasks.mail_invitation.defer(invitation_id=str(event.invitation_id))


@on(InvitationResent)
def queue_the_next_mail(event: InvitationResent) -> None:
    tasks.mail_invitation.defer(invitation_id=str(event.invitation_id))


@on(MemberRemoved)
def close_what_leads_back(event: MemberRemoved) -> None:
    _close(event.organization_id, event.user_id)


@on(MemberSuspended)
def close_what_reinstates(event: MemberSuspended) -> None:
    _close(event.organization_id, event.user_id)


@on(AccountDeleted)
def forget_the_person(event: AccountDeleted) -> None:
    """What is still open is an offer to an address, whoever has it next; the rest is history."""
    with row_security.everywhere():
        email = User.objects.by_id(event.user_id).email_normalized
        history = Invitation.objects.addressed_to(email).over()
        for invitation_id in history.ids():
            tokens.forget(subject_id=invitation_id)
        history.readdress(f"deleted-user-{event.user_id}@invalid")


def _close(organization_id: UUID, user_id: UUID) -> None:
    """An invitation that was open beside the membership must not bring the person back."""
    email = User.objects.by_id(user_id).email_normalized
    now = timezone.now()
    sending.revoke_for(organization_id=organization_id, email_normalized=email, now=now)
