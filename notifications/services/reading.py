"""What a person does with their own notifications.

Each takes its turn at the inbox, changes rows in one statement, and tells of it with the count and
version that hold from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import FieldProblem, InvalidError, NotFoundError
from core.postgres import row_security
from notifications import tasks
from notifications.models import Notification
from notifications.repositories import NotificationRepository
from notifications.services import changes

Changed = tuple[str, tuple[UUID, ...]]
PART = 10_000
"""Notifications that one statement changes; on a slow machine it takes a second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to change; None leaves a thing as it is. `snoozed_until` may be set to None."""

    is_read: bool | None = None
    is_archived: bool | None = None
    snoozes: bool = False
    snoozed_until: datetime | None = None


@transaction.atomic
def change(*, user_id: UUID, notification_id: UUID, wanted: Wanted, now: datetime) -> None:
    """Raises NotFoundError, and InvalidError for a snooze that ends in the past."""
    if wanted.snoozed_until is not None and wanted.snoozed_until <= now:
        detail = "This is in the past. Give a moment that is still to come."
        raise InvalidError(FieldProblem("/snoozed_until", "invalid", detail))
    with row_security.everywhere():
        version = changes.begin(user_id)
        one = Notification.objects.reached_by(user_id).among([notification_id])
        if one.find(notification_id) is None:
            raise NotFoundError
        for name, ids in _changes(one, wanted, now):
            changes.tell(user_id=user_id, version=version, change=name, ids=ids, at=now)
    if wanted.snoozed_until is not None:
        waking = tasks.wake_notification.with_options(schedule_at=wanted.snoozed_until)
        waking.defer(notification_id=str(notification_id))


def _changes(one: NotificationRepository, wanted: Wanted, now: datetime) -> list[Changed]:
    """Make all changes before any is told: the count is that of the end."""
    made: list[Changed] = []
    if wanted.is_read is not None:
        name = "read" if wanted.is_read else "unread"
        made.append((name, ACTIONS[name](one, now)))
    if wanted.is_archived is not None:
        name = "archive" if wanted.is_archived else "unarchive"
        made.append((TOLD_AS[name], ACTIONS[name](one, now)))
    if wanted.snoozes:
        made.append(("snoozed", one.rewrite(snoozed_until=wanted.snoozed_until)))
    return made


ACTIONS: Mapping[str, Any] = {
    "read": lambda rows, now: rows.mark_read(now=now),
    "unread": lambda rows, now: rows.mark_unread(),
    "seen": lambda rows, now: rows.mark_seen(now=now),
    "archive": lambda rows, now: rows.put_away(now=now),
    "unarchive": lambda rows, now: rows.take_back(),
    "delete": lambda rows, now: rows.empty(),
}
"""By what the API calls it."""

TOLD_AS = {
    "read": "read",
    "unread": "unread",
    "seen": "seen",
    "archive": "archived",
    "unarchive": "unarchived",
    "delete": "deleted",
}


@transaction.atomic
def act(*, user_id: UUID, ids: Sequence[UUID], action: str, now: datetime) -> tuple[UUID, ...]:
    """Do one of ACTIONS to these; return which were found: others are not this person's."""
    with row_security.everywhere():
        version = changes.begin(user_id)
        found: tuple[UUID, ...] = ACTIONS[action](
            Notification.objects.reached_by(user_id).among(ids), now
        )
        name = TOLD_AS[action]
        changes.tell(user_id=user_id, version=version, change=name, ids=found, at=now)
    return found


@transaction.atomic
def read_all(*, user_id: UUID, rows: NotificationRepository, now: datetime) -> int:
    """Mark the unread ones of these rows as read; return how many there were.

    Hand in rows that were there when the person said so, by a moment or by what they saw last:
    what arrives meanwhile stays unread.
    """
    with row_security.everywhere():
        version = changes.begin(user_id)
        # In parts, so that no statement meets its time-out however many there are.
        ids = [pk for part in rows.unread().in_parts(PART) for pk in part.mark_read(now=now)]
        changes.tell(user_id=user_id, version=version, change="read", ids=ids, at=now)
    return len(ids)


def remove(*, user_id: UUID, notification_id: UUID, now: datetime) -> None:
    """Raises NotFoundError."""
    if not act(user_id=user_id, ids=[notification_id], action="delete", now=now):
        raise NotFoundError


@transaction.atomic
def wake(*, user_id: UUID, now: datetime) -> None:
    """Bring back what somebody snoozed until now: unread, and pushed like something new."""
    if Notification.objects.of(user_id).due_to_wake(now=now).ids():
        wake_due(user_id=user_id, versions=changes.begin_all([user_id]), now=now)


def wake_one(*, notification_id: UUID, now: datetime) -> None:
    """Do it for whoever has this one, where its time has come."""
    row = Notification.objects.find(notification_id)
    if row is not None:
        wake(user_id=row.user_id, now=now)


def wake_due(*, user_id: UUID, versions: dict[UUID, int], now: datetime) -> None:
    """Do it within a change that has begun.

    What was archived while it slept stays away, and what is about a place that the person has left
    wakes unheard.
    """
    due = Notification.objects.of(user_id).due_to_wake(now=now)
    put_away = due.archived().rewrite(snoozed_until=None)
    changes.tell(user_id=user_id, version=versions[user_id], change="updated", ids=put_away, at=now)
    awake = Notification.objects.reached_by(user_id).due_to_wake(now=now).wake()
    due.wake()
    channels = {user_id: frozenset({"in_app", "push"})}
    found = [(user_id, pk) for pk in awake]
    changes.tell_arrivals(found, versions=versions, wishes=channels)
