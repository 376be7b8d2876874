"""Jobs of notifications. Each may run more than once: rows say what is done."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from core.jobs import job, periodic


@job()
def deliver_broadcast(*, broadcast_id: str, start: int) -> None:
    from notifications.services import broadcasting

    broadcasting.deliver(broadcast_id=UUID(broadcast_id), start=start, now=timezone.now())


@job()
def spread_broadcast(*, broadcast_id: str) -> None:
    from notifications.services import broadcasting

    broadcasting.spread_all(broadcast_id=UUID(broadcast_id), now=timezone.now())


@job()
def wake_notification(*, notification_id: str) -> None:
    from notifications.services import reading

    reading.wake_one(notification_id=UUID(notification_id), now=timezone.now())


@job(queue="mail")
def mail_notification(*, notification_id: str) -> None:
    from notifications.mailing import single

    single.deliver(notification_id=UUID(notification_id), now=timezone.now())


@job(queue="mail")
def mail_digest(*, digest_id: str) -> None:
    from notifications.mailing import digests

    digests.deliver(digest_id=UUID(digest_id), now=timezone.now())


@periodic(cron="*/5 * * * *", catch_up=timedelta(hours=12))
def begin_digests() -> None:
    from notifications.mailing import digests

    digests.begin_due(now=timezone.now())


@job()
def refresh_inboxes(*, organization_id: str) -> None:
    from notifications.services import refreshing

    refreshing.refresh(organization_id=UUID(organization_id), now=timezone.now())
