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


@job(queue="push", retries=2)
def push_notification(*, delivery_id: str) -> None:
    """Tries again by itself, as its service asks; the retries are for stores that are away."""
    from notifications.push import sending

    sending.deliver(delivery_id=UUID(delivery_id), now=timezone.now())


@job()
def push_broadcast(*, broadcast_id: str, after: str | None) -> None:
    from notifications.push import broadcasts

    broadcasts.push_some(
        broadcast_id=UUID(broadcast_id), after=UUID(after) if after else None, now=timezone.now()
    )


@periodic(cron="*/5 * * * *", catch_up=timedelta(hours=12))
def begin_digests() -> None:
    from notifications.mailing import digests

    digests.begin_due(now=timezone.now())


@job()
def refresh_inboxes(*, organization_id: str) -> None:
    from notifications.services import refreshing

    refreshing.refresh(organization_id=UUID(organization_id), now=timezone.now())
