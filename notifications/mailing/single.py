"""The mail of one notification.

Not a transaction: mail is slow and can't be undone. The row is claimed before, so that a worker
that dies between the mail server's yes and our note of it repeats the mail once, and never twice.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from core import mail
from core.postgres import row_security
from notifications import kinds, tasks, wording
from notifications.choices import clocks
from notifications.kinds import Channel, Kind
from notifications.mailing import unsubscribing
from notifications.models import Delivery, Notification
from notifications.services import preferences

Mail = Notification.Mail


def deliver(*, notification_id: UUID, now: datetime) -> None:
    """Send it, unless it was read, is over, or is no longer wanted; or later, in quiet hours.

    Raises what the mail backend raises; then the next attempt of the job sends it.
    """
    with row_security.everywhere():
        row = Notification.objects.with_names().with_places().find(notification_id)
        if row is None or row.mail not in {Mail.WAITING, Mail.SENDING, Mail.RESENDING}:
            return
        if not _is_wanted(row):
            Notification.objects.change(row, mail=Mail.DROPPED)
            return
    kind = kinds.named(row.kind)
    later = None if kind.is_urgent else quiet_until(row.user_id, row.user.time_zone, now)
    if later is not None:
        waiting = tasks.mail_notification.with_options(schedule_at=later)
        waiting.defer(notification_id=str(notification_id))
        return
    if Notification.objects.claim_mail(notification_id):
        _send(row, kind)


def quiet_until(user_id: UUID, zone: str, now: datetime) -> datetime | None:
    hours = Delivery.objects.of(user_id)
    return clocks.quiet_end(hours.quiet_from, hours.quiet_until, zone, now)


def _is_wanted(row: Notification) -> bool:
    if row.read_at is not None or not row.user.is_active:
        return False
    if row.is_listed and not Notification.objects.reached_by(row.user_id).among([row.pk]).exists():
        return False
    wishes = preferences.wishes(kinds.named(row.kind), row.organization_id, [row.user_id])
    return Channel.EMAIL in wishes[row.user_id]


def _send(row: Notification, kind: Kind) -> None:
    words = wording.words_of(row, language=row.user.language)
    stop = None if kind.is_required else unsubscribing.address(row.user_id, row.kind)
    context = {
        "full_name": row.user.full_name,
        "title": mail.unlinked(mail.one_line(words.title)),
        "subject": mail.one_line(words.title),
        "body": mail.unlinked(words.body),
        "organization": mail.unlinked(row.organization.name) if row.organization else "",
        "action": first_action(words.actions),
        "kind": str(kind.description),
        "stop": stop,
    }
    try:
        mail.send(
            "notification", to=row.user.email, context=context, headers=unsubscribing.headers(stop)
        )
    except OSError:  # the server is away, or said no (every SMTPException is one): it was not sent
        Notification.objects.change(row, mail=Mail.WAITING)
        raise
    Notification.objects.change(row, mail=Mail.SENT)


def first_action(actions: list[dict[str, str]]) -> dict[str, str] | None:
    """Return the button of the mail: a path of ours is made whole."""
    if not actions:
        return None
    url = actions[0]["url"]
    whole = settings.PUBLIC_URL + url if url.startswith("/") else url
    return {"label": actions[0]["label"], "url": whole}
