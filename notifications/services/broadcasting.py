"""Telling many at once: an organization, everybody, or a long list of people."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.events import publish
from core.postgres import row_security
from notifications import messages, tasks
from notifications.events import BroadcastEdited, BroadcastRecalled, BroadcastSent
from notifications.messages import Message
from notifications.models import Broadcast, Notification
from notifications.services import changes, rows, sending
from notifications.services.preferences import wishes
from notifications.services.rows import Maker

BATCH = 500
FEW = 1_000
"""An edit reaches so many rows at once; what is beyond is done by a job."""


@transaction.atomic
def broadcast(
    message: Message,
    *,
    recipients: Sequence[UUID] | None = None,
    include_later_joiners: bool = False,
    now: datetime,
) -> Broadcast:
    """Send to everybody in the message's organization, to everybody at all, or to `recipients`.

    Returns at once, however many they are. Raises InvalidError.
    """
    messages.check(message)
    Broadcast.objects.take_turn()
    made = Broadcast.objects.add(
        **message.columns(),
        organization_id=message.organization_id,
        recipients=list(dict.fromkeys(recipients)) if recipients is not None else None,
        include_later_joiners=include_later_joiners,
        sent_by_id=message.actor_id,
        created_at=now,
    )
    publish(
        BroadcastSent(
            broadcast_id=made.pk,
            organization_id=message.organization_id,
            actor_id=message.actor_id,
            kind=message.kind,
            recipient_count=len(made.recipients) if made.recipients is not None else None,
        )
    )
    if made.recipients is not None:
        starts = range(0, len(made.recipients), BATCH)
        tasks.deliver_broadcast.defer_many(
            {"broadcast_id": str(made.pk), "start": start} for start in starts
        )
    return made


@transaction.atomic
def deliver(*, broadcast_id: UUID, start: int, now: datetime) -> int:
    """Give one batch of listed people their rows; return how many are new. Twice does no harm."""
    with row_security.everywhere():
        found = Broadcast.objects.hold_list(broadcast_id)
        if found is None or found.recipients is None:
            return 0
        message = replace(rows.message_of(found), dedupe_key=f"broadcast:{found.pk}")
        people = sending.audience(message, found.recipients[start : start + BATCH])
        wanted = wishes(message.spec, message.organization_id, people)
        versions = changes.begin_all(people)
        told = Notification.objects.told(message.kind, message.dedupe_key, people)
        users = [user for pk, user in people.items() if wanted[pk] and pk not in told]
        maker = Maker(message, users, wanted)
        made = [
            row
            for user in users
            if rows.is_anywhere(
                row := maker.row(user, at=found.created_at, broadcast_id=found.pk),
                wanted[user.pk],
            )
        ]
        Notification.objects.add_all(made)
        rows.queue_mails(made)
        arrived = [(row.user_id, row.pk) for row in made]
        changes.tell_arrivals(arrived, versions=versions, wishes=wanted)
        return len(made)


@transaction.atomic
def edit(*, broadcast_id: UUID, actor_id: UUID | None, now: datetime, **texts: Any) -> Broadcast:
    """Change `title`, `body`, `type` or `actions` for everybody who has not read it.

    Raises NotFoundError, and InvalidError.
    """
    found = Broadcast.objects.locked().by_id(broadcast_id)
    messages.check(replace(rows.message_of(found), **texts))
    Broadcast.objects.change(found, edited_at=now, **texts)
    publish(
        BroadcastEdited(
            broadcast_id=found.pk, organization_id=found.organization_id, actor_id=actor_id
        )
    )
    _spread(found, now)
    return found


@transaction.atomic
def recall(*, broadcast_id: UUID, actor_id: UUID | None, now: datetime) -> Broadcast:
    """Take it back from everybody who has not read it. A second time changes nothing."""
    found = Broadcast.objects.locked().by_id(broadcast_id)
    if found.is_recalled:
        return found
    Broadcast.objects.change(found, recalled_at=now)
    publish(
        BroadcastRecalled(
            broadcast_id=found.pk, organization_id=found.organization_id, actor_id=actor_id
        )
    )
    _spread(found, now)
    return found


def _spread(found: Broadcast, now: datetime) -> None:
    """Bring the rows that there are in line: the first ones now, the others by a job."""
    if spread(found, now=now, after=None) is not None:
        tasks.spread_broadcast.defer(broadcast_id=str(found.pk))


@transaction.atomic
def spread(found: Broadcast, *, now: datetime, after: UUID | None) -> UUID | None:
    """Bring one batch of unread rows in line with their broadcast; return where to go on.

    None means that there are no more.
    """
    with row_security.everywhere():
        waiting = Notification.objects.of_broadcast(found.pk).listed().unread()
        batch = waiting.next_of_people(after, limit=FEW)
        versions = changes.begin_all(batch)
        mine = waiting.of_people(batch)
        texts = {name: getattr(found, name) for name in ("title", "body", "type", "actions")}
        ids = mine.empty() if found.is_recalled else mine.rewrite(**texts)
        change = "deleted" if found.is_recalled else "updated"
        whose = {user_id: [pk] for user_id, pk in Notification.objects.among(ids).whose()}
        changes.tell_each(whose, versions=versions, change=change, at=now)
        return batch[-1] if len(batch) == FEW else None


def spread_all(*, broadcast_id: UUID, now: datetime) -> None:
    """Bring every unread row in line, in short transactions. Twice does no harm."""
    found = Broadcast.objects.find(broadcast_id)
    after: UUID | None = None
    while found is not None:
        after = spread(found, now=now, after=after)
        if after is None:
            return
