"""The mail that invites: what stands in it, when it goes out, and what becomes of it."""

import re
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from core.jobs.rows import select
from core.jobs.runner import work_off
from invitations import mails
from invitations.events import InvitationMailed
from invitations.models import Invitation
from invitations.services import answering, sending
from organizations.models import Organization
from organizations.services import lifecycle
from tests.client import ApiClient
from tests.invitations.invited import ADA, address, expire, fresh, invite, secret

ZERO_WIDTH = "\u200b"
LINK = re.compile(r"https?://\S+")


@pytest.fixture(autouse=True)
def queue_of_before(db: None) -> None:
    work_off()
    mail.outbox.clear()


def only_mail() -> EmailMultiAlternatives:
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


def test_the_mail_names_people_role_and_time(acme: Organization, user: User) -> None:
    invitation = invite(acme, user, "Ada@Example.com", role="viewer", message="Do come.")
    work_off()

    message = only_mail()

    assert message.subject == "Uma User invited you to Acme"
    assert message.to == ["Ada@example.com"]
    for text in (str(message.body), html(message)):
        for words in ("Uma User invites you to join", "Acme", "viewer", "Do come.", "7 days"):
            assert words in text
        assert f"/invitations/{secret(invitation)}" in text
    sent = fresh(invitation)
    assert (sent.delivery, sent.sent_count) == ("sent", 1)
    assert sent.last_sent_at is not None


def test_the_link_leads_to_us_whatever_the_request_said(  # INV 28
    api: ApiClient, acme: Organization, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    made = api.send("POST", address(acme), {"email": ADA, "role": "member"}, Host="evil.example")
    assert made.status_code == 201
    work_off()

    links = set(LINK.findall(str(only_mail().body)))

    assert links
    assert all(link.startswith(settings.PUBLIC_URL) for link in links)


def test_a_message_is_text_and_nothing_else(acme: Organization, user: User) -> None:  # INV 27
    evil = "<b>Win</b> at https://evil.example/x or www.evil.example, write to me@evil.example"
    invite(acme, user, message=evil)
    work_off()

    message = only_mail()

    assert "<b>Win" not in html(message)
    assert "&lt;b&gt;Win" in html(message)
    for text in (str(message.body), html(message)):
        assert "evil.example" not in text
        assert "://evil" not in text
        assert text.replace(ZERO_WIDTH, "").count("evil.example") == 3


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Visit evil.example now", "Uma User invited you to an organization"),
        ("x" * 200, "Uma User invited you to xxxxxxxxxxxxxxxxxxxxxxxx…"),
        ("A\r\nBcc: b@evil.example", "Uma User invited you to an organization"),
        ("<b>Bold</b>", "Uma User invited you to an organization"),
        ("Fish & Chips 🐟", "Uma User invited you to Fish & Chips 🐟"),
    ],
)
def test_a_name_makes_no_subject_of_its_own(  # ORG 23
    acme: Organization, user: User, name: str, subject: str
) -> None:
    lifecycle.change(organization_id=acme.pk, actor_id=None, name=name, now=timezone.now())
    invite(acme, user)
    work_off()

    message = only_mail()

    assert message.subject == subject
    assert len(message.subject) < 60
    assert "<b>" not in html(message)
    assert "evil.example" not in str(message.body)


def test_a_second_run_sends_nothing(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)

    for _ in range(3):
        mails.deliver(invitation_id=invitation.pk, now=timezone.now())

    assert len(mail.outbox) == 1


def test_what_is_over_is_not_mailed(acme: Organization, user: User) -> None:
    now = timezone.now()
    revoked, declined, expired, sent = (invite(acme, user, f"{n}@example.com") for n in "abcd")
    sending.revoke(organization_id=acme.pk, actor_id=user.pk, invitation_id=revoked.pk, now=now)
    answering.decline(token=secret(declined), now=now)
    expire(expired)

    work_off()

    assert [message.to for message in mail.outbox] == [[sent.email]]


def test_a_resend_mails_the_new_link(acme: Organization, user: User) -> None:  # INV 6
    invitation = invite(acme, user)
    work_off()
    old = secret(invitation)
    sending.resend(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=invitation.pk, now=timezone.now()
    )
    assert fresh(invitation).delivery == "queued"

    work_off()

    assert len(mail.outbox) == 2
    assert old not in str(mail.outbox[1].body)
    assert secret(invitation) in str(mail.outbox[1].body)


class SentAnew(EmailBackend):
    """Somebody sends the invitation again while its mail is on the way."""

    def send_messages(self, messages: Any) -> int:
        Invitation.objects.update(sent_count=2)
        return super().send_messages(messages)


def test_an_earlier_mail_does_not_speak_for_the_newer(  # INV 6
    acme: Organization, user: User, backend: Any
) -> None:
    invitation = invite(acme, user)
    backend(SentAnew)

    mails.deliver(invitation_id=invitation.pk, now=timezone.now())

    assert fresh(invitation).delivery == "queued"


def test_who_blocked_the_organization_gets_nothing(acme: Organization, user: User) -> None:
    answering.decline(token=secret(invite(acme, user)), block=True, now=timezone.now())

    again = invite(acme, user)
    work_off()

    assert mail.outbox == []
    assert fresh(again).delivery == "sent"  # as everybody's


class Away(EmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("no mail server")


class Refusing(EmailBackend):
    code = 550

    def send_messages(self, messages: Any) -> int:
        raise SMTPRecipientsRefused({ADA: (self.code, b"no such mailbox")})


class Greylisting(Refusing):
    code = 451


@pytest.fixture
def backend(settings: Settings) -> Any:
    usual = settings.EMAIL_BACKEND

    def use(kind: type | None) -> None:
        settings.EMAIL_BACKEND = f"{__name__}.{kind.__name__}" if kind else usual

    return use


@pytest.mark.parametrize("kind", [Away, Greylisting])
def test_a_mail_server_that_is_away_shows_and_is_tried_again(  # INV 21
    api: ApiClient, acme: Organization, user: User, backend: Any, kind: type
) -> None:
    backend(kind)
    invitation = invite(acme, user)
    with pytest.raises(OSError):
        mails.deliver(invitation_id=invitation.pk, now=timezone.now())
    assert api.read(address(acme, invitation))["delivery"] == "failed"

    backend(None)
    mails.deliver(invitation_id=invitation.pk, now=timezone.now())

    assert api.read(address(acme, invitation))["delivery"] == "sent"
    assert len(mail.outbox) == 1


def test_a_job_that_failed_waits_for_its_next_try(  # INV 21
    acme: Organization, user: User, backend: Any
) -> None:
    backend(Away)
    invite(acme, user)

    work_off()

    query = "SELECT status, attempts FROM procrastinate_jobs WHERE task_name = %(name)s"
    rows = select(query, name="invitations.tasks:mail_invitation")
    assert [(row["status"], row["attempts"]) for row in rows] == [("todo", 1)]


def test_a_mailbox_that_is_not_there_ends_the_mails(  # INV 21
    acme: Organization, user: User, backend: Any
) -> None:
    backend(Refusing)
    invitation = invite(acme, user)

    mails.deliver(invitation_id=invitation.pk, now=timezone.now())

    assert fresh(invitation).delivery == "bounced"


def test_the_mail_is_told_of_once_it_is_out(  # INV 29
    acme: Organization, user: User, heard: list[Any]
) -> None:
    invitation = invite(acme, user)
    assert not [event for event in heard if isinstance(event, InvitationMailed)]
    work_off()

    (told,) = [event for event in heard if isinstance(event, InvitationMailed)]
    assert (told.invitation_id, told.email) == (invitation.pk, "a…@example.com")
