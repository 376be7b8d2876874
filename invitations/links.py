"""The mailed secret of an invitation: made, found, and rendered as a link."""

from datetime import datetime

from django.conf import settings

from core import tokens
from core.models import MailedToken
from invitations.models import LIFETIME, Invitation
from invitations.repositories import MAILED

PURPOSE = MAILED


def issue(invitation: Invitation, *, now: datetime, first: bool = False) -> MailedToken:
    """Make a link; the one before ends. `first` tells that there is none before."""
    return tokens.issue(
        purpose=PURPOSE,
        subject_id=invitation.pk,
        binding=invitation.email_normalized,
        lifetime=LIFETIME,
        now=now,
        keep_earlier=first,
    )


def end(invitation: Invitation, *, now: datetime) -> None:
    tokens.revoke(purpose=PURPOSE, subject_id=invitation.pk, now=now)


def current(invitation: Invitation) -> MailedToken | None:
    return tokens.newest(purpose=PURPOSE, subject_id=invitation.pk)


def address(token: MailedToken) -> str:
    return f"{settings.PUBLIC_URL}/invitations/{tokens.secret_of(token)}"


def in_answer(invitation: Invitation) -> str | None:
    """Return the link for who invites, where the host sends no mail; None everywhere else."""
    if not settings.INVITATION_LINKS_IN_API:
        return None
    token = current(invitation)
    return address(token) if token else None
