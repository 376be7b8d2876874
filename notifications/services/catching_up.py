"""Giving somebody their rows of broadcasts, and what they snoozed, when they look.

A broadcast is one row until then. Whoever lists or counts is told in the same statement whether
they are behind; only then does this run, in a transaction of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.postgres import row_security
from notifications import kinds
from notifications.kinds import Channel
from notifications.models import Broadcast, Inbox, Notification
from notifications.services import changes, preferences, reading, rows
from notifications.services.rows import Maker

FEW = 20
"""So many are told one by one; for more the word is to load anew."""


@transaction.atomic
def catch_up(*, user_id: UUID, now: datetime) -> None:
    """A second call has nothing to do; two at once take turns."""
    with row_security.everywhere():
        versions = changes.begin_all([user_id])
        # The mark first: what is committed after this look has a sequence beyond it.
        latest = Broadcast.objects.last_sequence()
        after = Inbox.objects.delivered_to(user_id)
        missed = Broadcast.objects.missed_by(user_id, after=after, up_to=latest).held()
        _deliver(user_id, missed, versions, now)
        Inbox.objects.note_delivered(user_id, latest)
        reading.wake_due(user_id=user_id, versions=versions, now=now)


def catch_up_if_behind(*, user_id: UUID, now: datetime) -> None:
    if Inbox.objects.is_behind(user_id, now=now):
        catch_up(user_id=user_id, now=now)


@transaction.atomic
def come_in(*, organization_id: UUID, user_id: UUID, now: datetime) -> None:
    """Give somebody who just came, or came back, what an organization has for them from before."""
    with row_security.everywhere():
        delivered = Inbox.objects.delivered_to(user_id)
        missed = Broadcast.objects.missed_in(organization_id, user_id, up_to=delivered)
        versions = changes.begin_all([user_id])
        _deliver(user_id, missed.held(), versions, now)
        changes.tell(
            user_id=user_id, version=versions[user_id], change=changes.RESET, ids=(), at=now
        )


def _deliver(
    user_id: UUID, broadcasts: Sequence[Broadcast], versions: dict[UUID, int], now: datetime
) -> None:
    user = User.objects.find(user_id)
    got = Notification.objects.of(user_id).got([each.pk for each in broadcasts])
    new = [each for each in broadcasts if each.pk not in got]
    if user is None or not new:
        return
    made = _made(new, user)
    Notification.objects.add_missing(made)
    ids = [row.pk for row in made if row.is_listed]
    if len(ids) <= FEW:
        wanted = {user_id: frozenset({"in_app"})}
        changes.tell_arrivals([(user_id, pk) for pk in ids], versions=versions, wishes=wanted)
    else:
        changes.tell(
            user_id=user_id, version=versions[user_id], change=changes.RESET, ids=(), at=now
        )


def _made(broadcasts: Sequence[Broadcast], user: User) -> list[Notification]:
    """Return somebody's rows of those that they want. None is mailed: whoever was told by looking
    needs no mail. What they want and who sent it is asked once, however many there are.
    """
    wanted = cache(partial(_wanted, user.pk))
    messages = [rows.message_of(each) for each in broadcasts]
    listed = {user.pk: frozenset({Channel.IN_APP})}
    names = rows.names_of(messages)
    return [
        Maker(message, [user], listed, names=names).row(
            user, at=each.created_at, broadcast_id=each.pk
        )
        for each, message in zip(broadcasts, messages, strict=True)
        if Channel.IN_APP in wanted(message.kind, message.organization_id)
    ]


def _wanted(user_id: UUID, kind: str, organization_id: UUID | None) -> frozenset[str]:
    """Return the channels on which somebody wants a kind."""
    return preferences.wishes(kinds.named(kind), organization_id, [user_id])[user_id]
