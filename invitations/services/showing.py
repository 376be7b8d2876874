"""Looking at an invitation, as the doors let people do it: it is told of, and spends nothing."""

from datetime import datetime, timedelta

from django.db import transaction

from core.events import publish
from invitations import facts
from invitations.events import InvitationPreviewed
from invitations.models import Invitation, InvitationLink
from invitations.services import answering
from invitations.services.answering import Preview

TOLD_EVERY = timedelta(hours=1)
"""At most, of each invitation: whoever holds the link may look as often as they like."""


def show(*, token: str, now: datetime) -> Preview | InvitationLink:
    """Look, like `answering.preview`. Raises GoneError for what could not be accepted."""
    found = answering.preview(token=token, now=now)
    if isinstance(found, Preview):  # at a link that many hold, many look
        _tell(found.invitation, now=now)
    return found


def _tell(invitation: Invitation, *, now: datetime) -> None:
    last = invitation.previewed_at
    if last is None or last + TOLD_EVERY <= now:
        _publish(invitation, now=now)


@transaction.atomic
def _publish(invitation: Invitation, *, now: datetime) -> None:
    due = Invitation.objects.not_previewed_since(now - TOLD_EVERY)
    # Whoever holds the row accepts it or takes it back: nobody who looks has to wait for that.
    if due.skipping_locked().find(invitation.pk) is None:
        return
    Invitation.objects.among([invitation.pk]).note_preview(now=now)
    publish(InvitationPreviewed(**facts.of(invitation, None)))
