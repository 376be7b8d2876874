"""Notifications by mail: at once or in a digest, never twice, never what was read."""

import smtplib
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from accounts.models import User
from notifications import tasks
from notifications.mailing import digests
from notifications.models import Delivery, Digest, Notification, Preference
from notifications.services import preferences
from notifications.services.preferences import Choice, Rhythm
from organizations.models import Organization
from organizations.services import members
from tests.client import ApiClient
from tests.mails import queued
from tests.notifications.told import patch, tell
from tests.tenants import person

KIND = "build.finished"


@pytest.fixture(autouse=True)
def by_mail(user: User) -> None:
    Preference.objects.add(user=user, kind=KIND, channel="email", enabled=True)


def deliver() -> None:
    """Run every mail job that waits."""
    for job in (tasks.mail_notification, tasks.mail_digest):
        for arguments in queued(job.name):
            job(**arguments)


def html(sent: Any) -> str:
    """Return the part of a mail that most people see."""
    return str(sent.alternatives[0][0])


def rhythm(user: User, mails: str = "at_once", **fields: Any) -> None:
    chosen = Rhythm(mails, fields.get("hour", 8), fields.get("quiet"))
    now = fields.get("now", timezone.now())
    preferences.replace(user_id=user.pk, choices=None, rhythm=chosen, now=now)


def state(row: Notification) -> str:
    row.refresh_from_db()
    return row.mail


def test_a_mail_says_what_the_app_says(user: User, acme: Organization) -> None:
    row = tell(
        user, "Build 7 is done", body="See evil.example", organization_id=acme.pk,
        actions=[{"label": "See the log", "url": "/builds/7"}],
    )  # fmt: skip

    deliver()

    (sent,) = mail.outbox
    assert sent.to == [user.email]
    assert sent.subject == "Build 7 is done"
    assert "http://testserver/builds/7" in sent.body
    assert "Acme" in sent.body
    assert "evil.example" not in sent.body  # no mail program makes a link of it
    assert "Build 7 is done" in html(sent)
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert stop in sent.body
    assert state(row) == "sent"


def test_a_second_run_mails_nothing(user: User) -> None:
    tell(user)
    deliver()

    deliver()

    assert len(mail.outbox) == 1


def test_what_was_read_is_not_mailed(api: ApiClient, user: User) -> None:  # NTF 14
    row = tell(user)
    patch(api, row, is_read=True)

    deliver()

    assert (mail.outbox, state(row)) == ([], "dropped")


def test_a_choice_made_meanwhile_wins(user: User) -> None:  # NTF 14
    row = tell(user)
    off = [Choice(KIND, "email", enabled=False)]
    preferences.replace(user_id=user.pk, choices=off, rhythm=None, now=timezone.now())

    deliver()

    assert (mail.outbox, state(row)) == ([], "dropped")


def test_a_deactivated_person_is_not_mailed(user: User) -> None:  # NTF 26
    row = tell(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    deliver()

    assert (mail.outbox, state(row)) == ([], "dropped")


def test_who_lost_the_organization_is_not_mailed_of_it(acme: Organization) -> None:  # NTF 3
    member = person(acme, "member")
    Preference.objects.add(user=member, kind=KIND, channel="email", enabled=True)
    row = tell(member, organization_id=acme.pk)
    members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    deliver()

    assert (mail.outbox, state(row)) == ([], "dropped")


def test_by_mail_alone_is_mailed_and_not_listed(user: User) -> None:  # NTF 13
    Preference.objects.add(user=user, kind=KIND, channel="in_app", enabled=False)
    row = tell(user)

    deliver()

    assert (row.is_listed, len(mail.outbox)) == (False, 1)


def test_a_server_that_says_no_is_asked_again(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = tell(user)

    def refuse(self: Any) -> None:
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr(EmailMultiAlternatives, "send", refuse)
        for _ in range(3):
            with pytest.raises(smtplib.SMTPServerDisconnected):
                deliver()
    assert state(row) == "waiting"
    deliver()

    assert (len(mail.outbox), state(row)) == (1, "sent")


def test_a_worker_that_dies_repeats_a_mail_once(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 16
    tell(user)
    send = EmailMultiAlternatives.send

    def send_and_die(self: Any) -> None:
        send(self)
        raise SystemExit

    monkeypatch.setattr(EmailMultiAlternatives, "send", send_and_die)
    for _ in range(2):
        with pytest.raises(SystemExit):
            deliver()
    deliver()

    assert len(mail.outbox) == 2


def test_quiet_hours_put_off_a_mail(user: User) -> None:  # NTF 18
    now = timezone.now()
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    rhythm(user, quiet=(begin.time().replace(microsecond=0), end.time().replace(microsecond=0)))
    row = tell(user)

    deliver()

    assert (mail.outbox, state(row)) == ([], "waiting")
    assert len(queued(tasks.mail_notification.name)) == 2


def test_what_is_urgent_passes_quiet_hours(user: User, acme: Organization) -> None:  # NTF 18
    now = timezone.now()
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    rhythm(user, quiet=(begin.time(), end.time()))
    about = {"organization": "Acme"}
    tell(user, "", kind="ownership.offered", metadata=about, organization_id=acme.pk)

    deliver()

    assert len(mail.outbox) == 1


def test_a_digest_has_what_is_unread(api: ApiClient, user: User) -> None:  # NTF 16
    now = timezone.now()
    rhythm(user, "daily", now=now)
    tell(user, "First")
    patch(api, tell(user, "Read"), is_read=True)
    tell(user, "Second")
    tell(user, "Not by mail", kind="other.kind")
    deliver()
    assert mail.outbox == []

    begin(now + timedelta(days=1))

    (sent,) = mail.outbox
    assert sent.subject == "2 unread notifications at Tenantry"
    assert sent.body.index("Second") < sent.body.index("First")
    assert "Read" not in sent.body
    assert "Not by mail" not in sent.body
    begin(now + timedelta(days=2))
    assert len(mail.outbox) == 1


def begin(now: datetime) -> int:
    begun = digests.begin_due(now=now)
    for arguments in queued(tasks.mail_digest.name):
        digests.deliver(digest_id=arguments["digest_id"], now=now)
    return begun


def test_nothing_unread_is_no_mail(api: ApiClient, user: User) -> None:  # NTF 16
    rhythm(user, "daily")

    assert begin(timezone.now() + timedelta(days=1)) == 1

    assert mail.outbox == []
    assert Digest.objects.get().state == "empty"


def test_a_digest_shows_fifty_and_counts_the_rest(user: User) -> None:  # NTF 16
    now = timezone.now()
    rhythm(user, "daily", now=now)
    for number in range(73):
        tell(user, f"No. {number}", at=now - timedelta(minutes=2 * (73 - number)))

    begin(now + timedelta(days=1))

    (sent,) = mail.outbox
    assert sent.subject == "73 unread notifications at Tenantry"
    assert sum(line.startswith("* ") for line in sent.body.splitlines()) == 50
    assert "and 23 more" in sent.body
    assert "and 23 more" in html(sent)
    assert not Notification.objects.for_digest().exists()


def test_a_digest_leaves_out_what_is_of_a_lost_organization(acme: Organization) -> None:
    member = person(acme, "member")  # NTF 16
    Preference.objects.add(user=member, kind=KIND, channel="email", enabled=True)
    rhythm(member, "daily")
    tell(member, "Of Acme", organization_id=acme.pk)
    tell(member, "Of nobody")
    members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    begin(timezone.now() + timedelta(days=1))

    assert "Of nobody" in mail.outbox[0].body
    assert "Of Acme" not in mail.outbox[0].body


def test_a_day_has_one_digest(user: User) -> None:  # NTF 16
    rhythm(user, "daily")
    tell(user)
    later = timezone.now() + timedelta(days=1)
    begin(later)
    Delivery.objects.update(next_digest_at=later)
    tell(user, "Later")

    assert begin(later) == 0
    assert len(mail.outbox) == 1


def test_a_worker_that_dies_repeats_a_digest_once(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 16
    rhythm(user, "daily")
    tell(user)
    send = EmailMultiAlternatives.send

    def send_and_die(self: Any) -> None:
        send(self)
        raise SystemExit

    monkeypatch.setattr(EmailMultiAlternatives, "send", send_and_die)
    for _ in range(3):
        try:
            begin(timezone.now() + timedelta(days=1))
        except SystemExit:
            continue

    assert len(mail.outbox) == 2


def test_never_is_never_but_for_what_is_required(user: User) -> None:
    rhythm(user, "never")
    row = tell(user)

    deliver()

    assert (mail.outbox, state(row)) == ([], "none")


def test_a_zone_that_changes_moves_the_digest(user: User) -> None:
    rhythm(user, "daily", now=timezone.now())
    before = Delivery.objects.get().next_digest_at
    User.objects.filter(pk=user.pk).update(time_zone="Asia/Kolkata")

    preferences.reset_digest(user_id=user.pk, now=timezone.now())

    after = Delivery.objects.get().next_digest_at
    assert after is not None
    assert before is not None
    assert after.minute == 30
    assert (after - before).total_seconds() % 86_400 != 0
