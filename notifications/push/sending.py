"""One notification to one device: queued with it, and sent by a job of its own.

Not a transaction: a push service is slow, and what it took can't be undone. The row is claimed
before, as that of a mail is: a worker that dies in between repeats it once, and never twice.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core.outbound.client import CallFailedError
from core.postgres import row_security
from notifications import kinds, tasks, wording
from notifications.kinds import Channel, Kind
from notifications.mailing.single import quiet_until
from notifications.models import Inbox, Notification, PushDelivery, PushDevice
from notifications.push import devices, transports
from notifications.push.pushes import HOME, Outcome, Push, Result, Transport
from notifications.services import preferences

log = structlog.get_logger(__name__)

ATTEMPTS = 9
"""5 s, 10 s, 20 s … apart: about 20 minutes in all, or as long as the service asks for."""
FIRST_DELAY_S = 5
LONGEST_DELAY_S = 3600
State = PushDelivery.State
OPEN = {State.WAITING, State.SENDING, State.RESENDING}


def queue(told: Iterable[tuple[UUID, UUID]], *, is_once: bool = False, now: datetime) -> None:
    """Have notifications pushed: (person, notification) each. Call in their transaction.

    A second time they go out anew, as a group does that grows, unless this is to happen once.
    """
    notifications: dict[UUID, list[UUID]] = {}
    for user_id, notification_id in told:
        notifications.setdefault(user_id, []).append(notification_id)
    if not notifications:
        return
    devices_of = PushDevice.objects.of_people(notifications).open().by_person()
    pairs = [(pk, device_id) for user_id, device_id in devices_of for pk in notifications[user_id]]
    if pairs:
        made = PushDelivery.objects.queue(pairs, is_once=is_once, now=now)
        tasks.push_notification.defer_many({"delivery_id": str(pk)} for pk in made)


def deliver(*, delivery_id: UUID, now: datetime) -> None:
    """Send it, unless it was read, is over, or is no longer wanted; or later, in quiet hours."""
    found = PushDelivery.objects.with_device().find(delivery_id)
    if found is None or found.state not in OPEN:
        return
    transport = transports.find(found.device.kind)
    with row_security.everywhere():
        row = Notification.objects.with_names().with_places().find(found.notification_id)
        if row is None or transport is None or not _is_wanted(row, found.device, transport, now):
            PushDelivery.objects.settle(found, state=State.DROPPED)
            return
        push = _push(row)
    later = None if push.is_urgent else quiet_until(row.user_id, row.user.time_zone, now)
    if later is not None:
        tasks.push_notification.with_options(schedule_at=later).defer(delivery_id=str(delivery_id))
    elif PushDelivery.objects.claim(found):
        _conclude(found, _attempt(transport, found.device, push), now)


def _is_wanted(row: Notification, device: PushDevice, transport: Transport, now: datetime) -> bool:
    if not device.is_open(now=now) or device.user_id != row.user_id or not row.user.is_active:
        return False
    if row.read_at or row.archived_at or row.snoozed_until or not row.title:
        return False
    kind = kinds.named(row.kind)
    if transport.is_for_urgent_alone and not kind.is_urgent:
        return False
    return _is_reached(row, kind)


def _is_reached(row: Notification, kind: Kind) -> bool:
    mine = Notification.objects.reached_by(row.user_id).among([row.pk])
    if row.is_listed and not mine.exists():
        return False
    wishes = preferences.wishes(kind, row.organization_id, [row.user_id])
    return Channel.PUSH in wishes[row.user_id]


def _push(row: Notification) -> Push:
    words = wording.words_of(row, language=row.user.language)
    return Push(
        notification_id=row.pk,
        title=words.title,
        body=words.body,
        url=words.actions[0]["url"] if words.actions else HOME,
        type=row.type,
        unread_count=Inbox.objects.unread_counts([row.user_id])[row.user_id],
        is_urgent=kinds.named(row.kind).is_urgent,
        is_group=bool(row.group_key),
    )


def _attempt(transport: Transport, device: PushDevice, push: Push) -> Result:
    try:
        return transport.send(device, push)
    except CallFailedError as error:
        return Result(Outcome.LATER, str(error))


def _conclude(delivery: PushDelivery, result: Result, now: datetime) -> None:
    device = delivery.device
    if result.outcome == Outcome.SENT:
        PushDelivery.objects.settle(delivery, state=State.SENT)
        PushDevice.objects.note_used(device.pk, now=now)
        return
    facts = {"device_id": str(device.pk), "kind": device.kind, "said": result.detail}
    if result.outcome == Outcome.LATER and delivery.attempts + 1 < ATTEMPTS:
        _try_again(delivery, result, now)
        log.warning("push.put_off", **facts)
        return
    PushDelivery.objects.settle(delivery, state=State.FAILED)
    if result.outcome == Outcome.GONE:
        devices.end_all([device.pk], reason="gone", now=now)
        log.info("push.device_gone", **facts)
    else:
        log.error("push.failed", **facts)


def _try_again(delivery: PushDelivery, result: Result, now: datetime) -> None:
    attempts = delivery.attempts + 1
    usual = FIRST_DELAY_S * 2**delivery.attempts
    seconds = min(max(usual, result.retry_after_s or 0), LONGEST_DELAY_S)
    if PushDelivery.objects.settle(delivery, state=State.WAITING, attempts=attempts):
        again = tasks.push_notification.with_options(schedule_at=now + timedelta(seconds=seconds))
        again.defer(delivery_id=str(delivery.pk))
