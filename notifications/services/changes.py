"""What every change of somebody's notifications has around it: their turn, and word of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core.events import publish, publish_all
from core.postgres import row_security
from notifications.arrivals import Arrival
from notifications.events import InboxChanged, NotificationsArrived
from notifications.models import Inbox

RESET = "reset"
NAMED = 500
"""So many are named in one word of it; for more it says: load them anew."""


def begin(user_id: UUID) -> int:
    """Wait for whoever changes these notifications, and return the new version of the inbox."""
    return Inbox.objects.advance([user_id])[user_id]


def begin_all(user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Do as `begin` does, for several people."""
    return Inbox.objects.advance(user_ids)


def tell(*, user_id: UUID, version: int, change: str, ids: Iterable[UUID], at: datetime) -> None:
    """Publish what changed; nothing where nothing did."""
    changed = tuple(ids)
    if changed or change == RESET:
        tell_each({user_id: changed}, versions={user_id: version}, change=change, at=at)


def tell_each(
    changed: Mapping[UUID, Sequence[UUID]],
    *,
    versions: Mapping[UUID, int],
    change: str,
    at: datetime,
) -> None:
    """Publish the same of several people; `changed` has whose notifications are different."""
    with row_security.everywhere():
        unread = Inbox.objects.unread_counts(changed)
    publish_all(
        [
            InboxChanged(
                user_id=user_id,
                version=versions[user_id],
                unread_count=unread[user_id],
                change=change if len(ids) <= NAMED else RESET,
                notification_ids=tuple(ids) if len(ids) <= NAMED else (),
                at=at,
            )
            for user_id, ids in changed.items()
        ]
    )


def tell_arrivals(
    rows: Iterable[tuple[UUID, UUID]],
    *,
    versions: Mapping[UUID, int],
    wishes: Mapping[UUID, frozenset[str]],
) -> None:
    """Publish what arrived: (person, notification) each."""
    found = list(rows)
    if not found:
        return
    with row_security.everywhere():
        unread = Inbox.objects.unread_counts({user_id for user_id, _ in found})
    arrivals = tuple(
        Arrival(
            user_id=user_id,
            notification_id=notification_id,
            version=versions[user_id],
            unread_count=unread[user_id],
            channels=wishes[user_id],
        )
        for user_id, notification_id in found
    )
    publish(NotificationsArrived(arrivals=arrivals))
