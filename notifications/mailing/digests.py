"""Digests: what is unread, in one mail a day or a week, at an hour of the person's own clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core import mail
from core.postgres import row_security
from notifications import kinds, tasks, wording
from notifications.choices import clocks
from notifications.kinds import Channel
from notifications.mailing import single, unsubscribing
from notifications.models import Delivery, Digest, Notification
from notifications.services import preferences

BATCH = 100
SHOWN = 50
State = Digest.State


def begin_due(*, now: datetime, dry_run: bool = False) -> int:
    """Begin the digest of everybody whose hour has come; return how many.

    Two at once take turns, and a day has one digest, also where its clock shows an hour twice.
    """
    if dry_run:
        return Delivery.objects.due(now=now).count()
    total = 0
    while True:
        begun, found = _begin_some(now)
        total += begun
        if found < BATCH:
            return total


@transaction.atomic
def _begin_some(now: datetime) -> tuple[int, int]:
    due = list(Delivery.objects.due(now=now).with_user().skipping_locked()[:BATCH])
    made = [digest for row in due if (digest := _begin(row, now)) is not None]
    tasks.mail_digest.defer_many({"digest_id": str(digest.pk)} for digest in made)
    return len(made), len(due)


def _begin(row: Delivery, now: datetime) -> Digest | None:
    zone = row.user.time_zone
    later = clocks.next_digest(row.mails, row.digest_hour, zone, now)
    Delivery.objects.change(row, next_digest_at=later)
    return Digest.objects.begin(row.user_id, clocks.day_of(now, zone))


def deliver(*, digest_id: UUID, now: datetime) -> None:
    """Mail it, unless there is nothing unread. Claimed as the mail of one notification is."""
    digest = Digest.objects.with_user().find(digest_id)
    if digest is None or digest.state in {State.SENT, State.EMPTY}:
        return
    with row_security.everywhere():
        items = _items(digest) if digest.user.is_active else []
    if not items:
        Digest.objects.change(digest, state=State.EMPTY)
        return
    later = single.quiet_until(digest.user_id, digest.user.time_zone, now)
    if later is not None:
        tasks.mail_digest.with_options(schedule_at=later).defer(digest_id=str(digest_id))
        return
    if Digest.objects.claim(digest_id):
        _send(digest, items)


def _items(digest: Digest) -> list[Notification]:
    """Return what is still unread, still theirs to see, and still wanted by mail."""
    mine = Notification.objects.reached_by(digest.user_id).for_digest().unread().kept().awake()
    rows = list(mine.with_names().with_place().in_order())
    wanted: dict[tuple[str, UUID | None], bool] = {}
    for row in rows:
        key = (row.kind, row.organization_id)
        if key not in wanted:
            kind = kinds.named(row.kind)
            wishes = preferences.wishes(kind, row.organization_id, [digest.user_id])
            wanted[key] = Channel.EMAIL in wishes[digest.user_id]
    return [row for row in rows if wanted[(row.kind, row.organization_id)]]


def _send(digest: Digest, items: list[Notification]) -> None:
    stop = unsubscribing.address(digest.user_id, preferences.DIGEST)
    context = {
        "full_name": digest.user.full_name,
        "count": len(items),
        "items": [_shown(row, digest.user.language) for row in items[:SHOWN]],
        "more": max(0, len(items) - SHOWN),
        "stop": stop,
    }
    try:
        mail.send(
            "digest", to=digest.user.email, context=context, headers=unsubscribing.headers(stop)
        )
    except OSError:
        Digest.objects.change(digest, state=State.WAITING)
        raise
    _note_sent(digest, items)


@transaction.atomic
def _note_sent(digest: Digest, items: list[Notification]) -> None:
    Digest.objects.change(digest, state=State.SENT, count=len(items))
    Notification.objects.among([row.pk for row in items]).note_mailed()


def _shown(row: Notification, language: str) -> dict[str, Any]:
    words = wording.words_of(row, language=language)
    return {
        "title": mail.unlinked(mail.one_line(words.title)),
        "body": mail.unlinked(words.body),
        "organization": mail.unlinked(row.organization.name) if row.organization else "",
        "action": single.first_action(words.actions),
    }
