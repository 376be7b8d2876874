"""What belongs together is one row: who did the latest of it, and how many there are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.models import new_id
from notifications.models import GroupEntry, Notification
from notifications.services import changes
from notifications.services.rows import Maker
from notifications.wording import SHOWN_ACTORS


def add(
    maker: Maker, users: Sequence[User], *, group_key: str, now: datetime
) -> list[Notification]:
    """Add one to the open group of each of these people, or begin one; return the rows.

    A group is about one tenant: what two of them say never stands in one row.

    Call with their inboxes locked, and without those who were told of this one before.
    """
    ids = [user.pk for user in users]
    here = Notification.objects.about(maker.message.organization_id)
    open_rows = {row.user_id: row for row in here.open_groups(group_key, ids)}
    usable = {u: row for u, row in open_rows.items() if _takes_more(maker, row, now)}
    Notification.objects.close_groups(row.pk for u, row in open_rows.items() if u not in usable)
    key = maker.message.dedupe_key or str(new_id())
    new = [
        maker.row(user, at=now, group_key=group_key, is_group_open=True, dedupe_key="")
        for user in users
        if user.pk not in usable
    ]
    Notification.objects.add_all(new)
    grown = [_grown(maker, usable[user.pk], user, now) for user in users if user.pk in usable]
    GroupEntry.objects.add_all(
        GroupEntry(
            notification_id=row.pk, dedupe_key=key, actor_id=maker.message.actor_id, created_at=now
        )
        for row in [*new, *grown]
    )
    return [*new, *grown]


@transaction.atomic
def withdraw(*, group_key: str, dedupe_key: str, user_ids: Sequence[UUID], now: datetime) -> None:
    """Take one out of a group that it was added to; the last one takes the row along."""
    versions = changes.begin_all(user_ids)
    for row in Notification.objects.open_groups(group_key, user_ids):
        mine = GroupEntry.objects.within([row.pk])
        if not mine.keyed(dedupe_key).delete()[0]:
            continue
        left = mine.count()
        if left:
            actors = mine.latest_actors(SHOWN_ACTORS)
            Notification.objects.change(row, group_count=left, actor_ids=actors)
        else:
            Notification.objects.among([row.pk]).empty()
        change = "updated" if left else "deleted"
        version = versions[row.user_id]
        changes.tell(user_id=row.user_id, version=version, change=change, ids=[row.pk], at=now)


def _takes_more(maker: Maker, row: Notification, now: datetime) -> bool:
    is_fresh = row.created_at > now - maker.kind.grouped_for
    return is_fresh and (row.read_at is None or maker.kind.reopens)


def _grown(maker: Maker, row: Notification, user: User, now: datetime) -> Notification:
    row.actor_ids = list(dict.fromkeys([*maker.actor_ids, *row.actor_ids]))[:SHOWN_ACTORS]
    row.group_count += 1
    row.title, row.body = maker.message.title, maker.message.body
    row.metadata = maker.columns["metadata"]
    maker.say(row, user)
    return Notification.objects.change(
        row,
        actor_ids=row.actor_ids,
        group_count=row.group_count,
        title=row.title,
        body=row.body,
        metadata=row.metadata,
        created_at=now,
        seen_at=None,
        read_at=None,
        snoozed_until=row.snoozed_until,
    )
