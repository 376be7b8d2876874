"""What notifications throw away, and when. Registered by NotificationsConfig.ready()."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from core import pruning
from notifications import kinds
from notifications.kinds import Kind
from notifications.models import Broadcast, Digest, Notification, PushDelivery, PushDevice
from notifications.repositories import NotificationRepository
from notifications.services import changes
from organizations import purging

REMAINS_KEPT_FOR = timedelta(days=30)
"""What was deleted, or went out by mail alone: so long the same is not told again."""
BROADCASTS_KEPT_FOR = timedelta(days=400)
DIGESTS_KEPT_FOR = timedelta(days=60)
DEVICES_KEPT_FOR = timedelta(days=30)
"""After their end, for whoever asks why nothing comes any more."""
PUSHES_KEPT_FOR = timedelta(days=30)


def register() -> None:
    pruning.register("notifications", prune_notifications)
    pruning.register("remains of notifications", prune_remains)
    pruning.register("broadcasts", prune_broadcasts)
    pruning.register("digests", prune_digests)
    pruning.register("devices that ended", prune_devices)
    pruning.register("pushes", prune_pushes)
    purging.register("notifications", remove_some=remove_some, count=count)


def prune_notifications(now: datetime, dry_run: bool) -> int:
    """By kind: what was read long ago, and what nobody has read for very long."""
    total = 0
    for old in _old(now):
        total += old.count() if dry_run else pruning.in_batches(partial(_remove, old))
    return total


def prune_remains(now: datetime, dry_run: bool) -> int:
    old = Notification.objects.remains().before(now - REMAINS_KEPT_FOR)
    if dry_run:
        return old.count()
    return pruning.in_batches(lambda limit: old.destroy(old.some(limit)))


def prune_broadcasts(now: datetime, dry_run: bool) -> int:
    old = Broadcast.objects.sent_before(now - BROADCASTS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some, batch=10)


def prune_digests(now: datetime, dry_run: bool) -> int:
    old = Digest.objects.made_before(now - DIGESTS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def prune_devices(now: datetime, dry_run: bool) -> int:
    old = PushDevice.objects.ended_before(now - DEVICES_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def prune_pushes(now: datetime, dry_run: bool) -> int:
    old = PushDelivery.objects.made_before(now - PUSHES_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def remove_some(organization_id: UUID, limit: int) -> int:
    """Delete notifications of an organization that is going for good."""
    return Notification.objects.destroy(Notification.objects.of_tenant(organization_id).some(limit))


def count(organization_id: UUID) -> int:
    return Notification.objects.of_tenant(organization_id).count()


def _old(now: datetime) -> list[NotificationRepository]:
    usual = Kind("usual", "")
    special = [k for k in kinds.registered() if _ages(k) != _ages(usual)]
    rows = Notification.objects.all()
    names = [kind.name for kind in special]
    found = _past(rows.of_other_kinds(names) if names else rows, usual, now)
    for kind in special:
        found += _past(rows.of_kind(kind.name), kind, now)
    return found


def _ages(kind: Kind) -> tuple[int, int]:
    return kind.read_days, kind.unread_days


def _past(rows: NotificationRepository, kind: Kind, now: datetime) -> list[NotificationRepository]:
    return [
        rows.read_before(now - timedelta(days=kind.read_days)),
        rows.before(now - timedelta(days=kind.unread_days)),
    ]


@transaction.atomic
def _remove(old: NotificationRepository, limit: int) -> int:
    """Delete some, under the lock of everybody whose list or count is different then."""
    batch = old.some_of(limit)
    changes.begin_all({user_id for _, user_id in batch})
    return Notification.objects.destroy([pk for pk, _ in batch])
