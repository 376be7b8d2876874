"""Pushes of a broadcast: those who have a device get their row now, and not when they look."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.postgres import row_security
from notifications import kinds, tasks
from notifications.kinds import Channel
from notifications.models import Broadcast, Notification, PushDevice
from notifications.push import sending
from notifications.services import catching_up, preferences

BATCH = 100


@transaction.atomic
def push_some(*, broadcast_id: UUID, after: UUID | None, now: datetime) -> None:
    """Do it for the next people with devices, and leave the others to another job.

    Twice does no harm: who has the row was pushed to.
    """
    with row_security.everywhere():
        found = Broadcast.objects.find(broadcast_id)
        if found is None or found.is_recalled:
            return
        people = _next_people(found, after)
        if len(people) == BATCH:
            tasks.push_broadcast.defer(broadcast_id=str(found.pk), after=str(people[-1]))
        for user_id in people:
            _push_to(found, user_id, now)


def _next_people(broadcast: Broadcast, after: UUID | None) -> list[UUID]:
    rows = PushDevice.objects.open()
    if broadcast.organization_id is not None:
        rows = rows.of_members(broadcast.organization_id)
    return rows.next_people(after, limit=BATCH)


def _push_to(broadcast: Broadcast, user_id: UUID, now: datetime) -> None:
    catching_up.catch_up_if_behind(user_id=user_id, now=now)
    row = Notification.objects.of(user_id).of_broadcast(broadcast.pk).first()
    if row is None:  # theirs to see it is not, or they want it nowhere
        return
    wishes = preferences.wishes(kinds.named(row.kind), row.organization_id, [user_id])
    if Channel.PUSH in wishes[user_id]:
        sending.queue([(user_id, row.pk)], is_once=True, now=now)
