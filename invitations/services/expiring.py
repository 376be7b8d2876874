"""Tells of invitations whose days are over.

An invitation expires by the clock, with nothing having run: this changes nothing of what it is good
for. It makes the event, so that whoever keeps a record has it.
"""

from datetime import datetime

from django.db import transaction

from core import pruning
from core.events import publish
from invitations import facts
from invitations.events import InvitationExpired
from invitations.models import Invitation

BATCH = 100
"""Their rows are held while the events are handled, and an admin may want one of them."""


def sweep(*, now: datetime) -> int:
    """Tell of all that nobody told of yet; return how many. Several at once share the work."""
    return pruning.in_batches(lambda limit: _some(limit, now=now), batch=BATCH)


def note(invitation: Invitation, *, now: datetime) -> None:
    """Tell of one that is over, unless that was done. Call before anything else ends or revives it,
    in the same transaction.
    """
    if now < invitation.expires_at:
        return
    # Asked of the row: a sweep may have come before us since this was read.
    if Invitation.objects.among([invitation.pk]).newly_expired(now=now).note_expiry(now=now):
        about = facts.of(invitation, None)
        publish(InvitationExpired(**about, expires_at=invitation.expires_at))


@transaction.atomic
def _some(limit: int, *, now: datetime) -> int:
    rows = list(Invitation.objects.newly_expired(now=now).skipping_locked().some(limit))
    for row in rows:
        note(row, now=now)
    return len(rows)
