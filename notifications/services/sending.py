"""Telling people something: one call, from any app, view, job, command or shell."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.postgres import row_security
from notifications import messages
from notifications.broadcasts.repositories import members_among
from notifications.kinds import Kind
from notifications.messages import Message
from notifications.models import GroupEntry, Notification
from notifications.services import changes, grouping, preferences, rows
from notifications.services.rows import Maker, Wishes

MINUTE = timedelta(minutes=1)


@transaction.atomic
def notify(message: Message, *, user_ids: Iterable[UUID], now: datetime) -> tuple[UUID, ...]:
    """Tell these people, in the caller's transaction; return the ids of the rows.

    Left out are those who may not know of it, do not want it, did it themselves, or were told the
    same before. For thousands there are broadcasts. Raises InvalidError.
    """
    messages.check(message)
    with row_security.everywhere():
        people = audience(message, user_ids)
        wishes = preferences.wishes(message.spec, message.organization_id, people)
        wanted = {user_id: user for user_id, user in people.items() if wishes[user_id]}
        return _tell(message, wanted, wishes, now)


def audience(message: Message, user_ids: Iterable[UUID]) -> dict[UUID, User]:
    """Return who of these people is there, and may know of it."""
    kind, ids = message.spec, set(user_ids)
    if message.actor_id is not None and not kind.tells_actor:
        ids.discard(message.actor_id)
    if message.organization_id is not None:
        ids = members_among(message.organization_id, ids)
    if kind.audience is not None:
        ids = set(kind.audience(message.metadata, ids))
    return {user.pk: user for user in User.objects.among(ids).active()}


def _tell(
    message: Message, people: dict[UUID, User], wishes: Wishes, now: datetime
) -> tuple[UUID, ...]:
    people = _untold(message, people)
    if not people:
        return ()
    versions = changes.begin_all(people)
    people = _untold(message, people)  # again: whoever told them the same has ended by now
    maker = Maker(message, people.values(), wishes)
    made = _rows(maker, list(people.values()), now)
    rows.queue_mails(row for row in made if row.group_count == 1)
    changes.tell_arrivals([(row.user_id, row.pk) for row in made], versions=versions, wishes=wishes)
    return tuple(row.pk for row in made)


def _rows(maker: Maker, users: list[User], now: datetime) -> list[Notification]:
    crowded = _crowded(maker.kind, users, now)
    made: list[Notification] = []
    singles: list[Notification] = []
    groups: dict[str, list[User]] = {}
    for user in users:
        key = maker.message.group_key or (f"many:{maker.kind.name}" if user.pk in crowded else "")
        row = maker.row(user, at=now)
        if key and row.is_listed:
            groups.setdefault(key, []).append(user)
        elif rows.is_anywhere(row, maker.wishes[user.pk]):
            singles.append(row)
    made += Notification.objects.add_all(singles)
    for key, members in groups.items():
        made += grouping.add(maker, members, group_key=key, now=now)
    return made


def _crowded(kind: Kind, users: list[User], now: datetime) -> set[UUID]:
    """Return who got so much of it in this minute that the rest becomes one row."""
    counts = Notification.objects.counts_since(now - MINUTE, kind.name, [user.pk for user in users])
    return {user_id for user_id, count in counts.items() if count >= kind.most_a_minute}


def _untold(message: Message, people: dict[UUID, User]) -> dict[UUID, User]:
    if not message.dedupe_key:
        return people
    told = Notification.objects.told(message.kind, message.dedupe_key, people)
    told |= GroupEntry.objects.told(message.kind, message.dedupe_key, people)
    return {user_id: user for user_id, user in people.items() if user_id not in told}
