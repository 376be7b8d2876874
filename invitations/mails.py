"""The mail that invites. Not a transaction: mail is slow and can't be undone."""

from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from core import mail
from core.events import publish
from core.models import MailedToken
from invitations import facts, links
from invitations.events import InvitationMailed
from invitations.models import Invitation, InvitationBlock

log = structlog.get_logger(__name__)

Delivery = Invitation.Delivery
SUBJECT_PERSON, SUBJECT_ORGANIZATION = 18, 25
"""Characters: with the words between them as many as a subject holds."""
UNKNOWN_MAILBOXES = range(500, 600)
"""Answers of a mail server that trying again will not change (RFC 5321, 4.2.1)."""


def deliver(*, invitation_id: UUID, now: datetime) -> None:
    """Mail the newest link, unless that is done or no longer wanted.

    A crash after sending repeats one mail; noting it first could lose it. While the mail server is
    away the invitation shows `failed`, and the job tries again. Raises what the mail backend does.
    """
    invitation = Invitation.objects.with_people().find(invitation_id)
    token = links.current(invitation) if invitation else None
    if invitation is None or token is None or not _is_wanted(invitation, now):
        return
    blocks = InvitationBlock.objects.for_organization(invitation.organization_id)
    try:
        if not blocks.by(invitation.email_normalized).exists():  # else it only seems to be sent
            mail.send("invitation", to=invitation.email, context=_context(invitation, token))
    except SMTPRecipientsRefused as error:
        _refused(invitation, error, now=now)
    except OSError:  # the server is away, or said no (every SMTPException is one)
        _note(invitation, Delivery.FAILED, now=now)
        raise
    else:
        _note_sent(invitation, now=now)


def _is_wanted(invitation: Invitation, now: datetime) -> bool:
    waits = invitation.delivery in {Delivery.QUEUED, Delivery.FAILED}
    place = invitation.organization
    return waits and invitation.is_pending(now=now) and not place.is_deleted


@transaction.atomic
def _note_sent(invitation: Invitation, *, now: datetime) -> None:
    sending = Invitation.objects.of_sending(invitation)
    if sending.note_delivery(Delivery.SENT, now=now, sent=True):
        publish(InvitationMailed(**facts.of(invitation, None)))


def _note(invitation: Invitation, delivery: str, *, now: datetime) -> None:
    Invitation.objects.of_sending(invitation).note_delivery(delivery, now=now)


def _refused(invitation: Invitation, error: SMTPRecipientsRefused, *, now: datetime) -> None:
    codes = [code for code, _ in error.recipients.values()]
    if all(code in UNKNOWN_MAILBOXES for code in codes):
        log.info("invitation.bounced", invitation_id=str(invitation.pk))
        _note(invitation, Delivery.BOUNCED, now=now)
        return
    _note(invitation, Delivery.FAILED, now=now)
    raise error


def _context(invitation: Invitation, token: MailedToken) -> dict[str, object]:
    organization = invitation.organization.name
    inviter = inviter_name(invitation)
    return {
        "organization": mail.unlinked(mail.one_line(organization)),
        "inviter": mail.unlinked(mail.one_line(inviter)),
        "organization_in_subject": _short(organization, SUBJECT_ORGANIZATION, "an organization"),
        "inviter_in_subject": _short(inviter, SUBJECT_PERSON, "Somebody"),
        "role": mail.unlinked(mail.one_line(invitation.role_name)),
        "message": mail.unlinked(invitation.message),
        "link": links.address(token),
        "expires_in_days": -(-(token.expires_at - token.created_at) // timedelta(days=1)),
    }


def inviter_name(invitation: Invitation) -> str:
    """Return what the invited know the inviter by."""
    if invitation.by_operator:
        return str(settings.PRODUCT_NAME)
    if invitation.invited_by is None:
        return "A former member"
    return invitation.invited_by.full_name or "A member"


def _short(name: str, limit: int, otherwise: str) -> str:
    """Return a name for the subject, where a stranger's link would be an advertisement."""
    line = mail.one_line(name)
    if mail.LOOKS_LIKE_A_LINK.search(line):
        return otherwise
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
