"""Raising the versions of many inboxes when an organization goes, or comes back."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.postgres import row_security
from notifications.broadcasts.repositories import members_after
from notifications.services import changes

BATCH = 1_000


def refresh(*, organization_id: UUID, now: datetime) -> None:
    """Tell every member to load anew, in short transactions. Twice does no harm.

    What lists and counts say is right without it: this is for those who have them open.
    """
    last: UUID | None = None
    while True:
        last = _batch(organization_id, last, now)
        if last is None:
            return


@transaction.atomic
def _batch(organization_id: UUID, after: UUID | None, now: datetime) -> UUID | None:
    with row_security.everywhere():
        people = members_after(organization_id, after, limit=BATCH)
        versions = changes.begin_all(people)
        nothing = dict.fromkeys(people, ())
        changes.tell_each(nothing, versions=versions, change=changes.RESET, at=now)
    return people[-1] if len(people) == BATCH else None
