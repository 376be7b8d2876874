"""Every mail of accounts, from what somebody did to what arrives."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.errors import TokenReusedError
from accounts.models import User, UserSession
from accounts.pages import LINK_PAGES
from accounts.services import address_change, deletion, password, registration, sessions
from core import logging as our_logging
from core import tokens
from core.jobs.runner import work_off
from core.models import MailedToken
from tests.conftest import PASSWORD

NEW_ADDRESS = "nadia@example.org"
NEW_PASSWORD = "the lit window upstairs"
LINK = re.compile(r"https?://\S+")


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


def new_sign_in(user: User, now: datetime, device: str = "Firefox on Linux") -> sessions.TokenPair:
    return sessions.start_session(user=user, device=device, ip_address="203.0.113.9", now=now)


def _verify(user: User, now: datetime) -> None:
    registration.register(email="vera@example.com", password=PASSWORD, full_name="Vera", now=now)


def _register_again(user: User, now: datetime) -> None:
    registration.register(email=user.email, password=PASSWORD, full_name="", now=now)


def _forget(user: User, now: datetime) -> None:
    password.forget(email=user.email, now=now)


def _ask_for_change(user: User, now: datetime) -> None:
    address_change.request(user=user, email=NEW_ADDRESS, password=PASSWORD, now=now)


def _change_address(user: User, now: datetime) -> None:
    _ask_for_change(user, now)
    asked = MailedToken.objects.of(password.CHANGE_ADDRESS, user.pk).get()
    address_change.confirm(token=tokens.secret_of(asked), now=now)


def _change_password(user: User, now: datetime) -> None:
    token = password.forget(email=user.email, now=now)
    password.reset(token=tokens.secret_of(token), password=NEW_PASSWORD, now=now)


def _delete(user: User, now: datetime) -> None:
    deletion.request(user=user, password=PASSWORD, now=now)


def _sign_in_anew(user: User, now: datetime) -> None:
    new_sign_in(user, now, "Safari on iOS")
    new_sign_in(user, now)


def _reuse(user: User, now: datetime) -> None:
    pair = new_sign_in(user, now)
    sessions.refresh(token=pair.refresh, now=now)
    with pytest.raises(TokenReusedError):
        sessions.refresh(token=pair.refresh, now=now + timedelta(seconds=11))


SCENES: dict[str, tuple[Callable[[User, datetime], None], str, str]] = {
    "verify_email": (_verify, "vera@example.com", "verify-email"),
    "already_registered": (_register_again, "uma@example.com", "forgot-password"),
    "reset_password": (_forget, "uma@example.com", "reset-password"),
    "confirm_email": (_ask_for_change, NEW_ADDRESS, "confirm-email"),
    "email_changed": (_change_address, "uma@example.com", "revert-email"),
    "password_changed": (_change_password, "uma@example.com", "forgot-password"),
    "deletion_requested": (_delete, "uma@example.com", "cancel-deletion"),
    "new_device": (_sign_in_anew, "uma@example.com", "forgot-password"),
    "session_ended": (_reuse, "uma@example.com", "forgot-password"),
}
"""What somebody does, who is mailed, and the page that the mail leads to."""


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


def delivered(name: str, user: User, now: datetime) -> EmailMultiAlternatives:
    """Do it, run the jobs it left, and return the one mail that came of it."""
    SCENES[name][0](user, now)
    work_off(queues=["mail"])
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def text_of(message: EmailMessage) -> str:
    return str(message.body)


@pytest.mark.parametrize("name", SCENES)
def test_each_mail_arrives_with_its_link_in_both_forms(
    user: User, now: datetime, settings: Settings, name: str
) -> None:
    message = delivered(name, user, now)

    _, recipient, page = SCENES[name]
    (link,) = {found for found in LINK.findall(text_of(message)) if f"/{page}" in found}
    assert message.to == [recipient]
    assert 0 < len(message.subject) < 60
    assert message.subject.isprintable()
    assert link.startswith(f"{settings.PUBLIC_URL}/{page}")
    assert f'href="{link}"' in html_of(message)
    assert "{" not in f"{message.subject}{text_of(message)}"


@pytest.mark.parametrize("name", SCENES)
def test_the_link_of_each_mail_opens_its_page(user: User, now: datetime, name: str) -> None:
    message = delivered(name, user, now)

    (path,) = re.findall(rf"/{SCENES[name][2]}\S*", text_of(message))
    shown = Client().get(path)
    assert shown.status_code == 200
    assert "<form" in shown.content.decode()


@pytest.mark.parametrize("name", SCENES)
def test_what_a_mail_carries_stands_in_no_log(
    user: User, now: datetime, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    our_logging.flush()
    capfd.readouterr()

    message = delivered(name, user, now)

    our_logging.flush()
    written = capfd.readouterr().out
    assert "accounts.tasks:mail" in written
    for secret in (message.to[0], PASSWORD, NEW_PASSWORD, *_tokens(message)):
        assert secret not in written


def _tokens(message: EmailMultiAlternatives) -> list[str]:
    """Return half of each token, which nobody hides just because it looks like one."""
    return [found[:20] for found in re.findall(r"/([A-Za-z0-9_-]{43})\s", text_of(message))]


def test_every_link_page_has_a_mail_that_leads_to_it() -> None:
    assert {page for _, _, page in SCENES.values()} - {"forgot-password"} == LINK_PAGES.keys()


@pytest.mark.parametrize("name", SCENES)
def test_a_name_can_begin_no_header_and_hold_no_link(user: User, now: datetime, name: str) -> None:
    User.objects.change(
        user, full_name="Uma\r\nBcc: all@evil.example\r\n\r\n<b>https://evil.example"
    )

    message = delivered(name, user, now)

    assert message.message()["Bcc"] is None
    assert message.recipients() == [SCENES[name][1]]
    assert "evil" not in message.message().as_string()


def test_the_old_address_learns_too_little_of_the_new_one(user: User, now: datetime) -> None:
    message = delivered("email_changed", user, now)

    assert "n…@example.org" in text_of(message)
    assert "n…@example.org" in html_of(message)
    assert NEW_ADDRESS not in text_of(message) + html_of(message)
    assert "72 hours" in text_of(message)


def test_an_address_that_is_back_already_needs_no_way_back(user: User, now: datetime) -> None:
    _change_address(user, now)
    back = MailedToken.objects.of(address_change.REVERT, user.pk).get()
    other = tokens.issue(
        purpose=address_change.REVERT,
        subject_id=user.pk,
        binding=back.binding,
        lifetime=timedelta(hours=1),
        now=now,
        data=back.data,
        keep_earlier=True,
    )
    address_change.revert(token=tokens.secret_of(other), now=now)

    work_off(queues=["mail"])

    assert [message.subject for message in mail.outbox] == ["Choose a new password for Tenantry"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
@pytest.mark.parametrize("name", ["new_device", "session_ended", "deletion_requested"])
def test_moments_are_told_in_the_zone_of_the_person(
    user: User, now: datetime, name: str, zone: str
) -> None:
    User.objects.change(user, time_zone=zone)

    message = delivered(name, user, now)

    told = now + deletion.GRACE if name == "deletion_requested" else now
    local = told.astimezone(ZoneInfo(zone))
    assert f"{local.day} {local:%B %Y}, {local:%H:%M}" in text_of(message)
    assert f"{told:%H:%M} UTC" in text_of(message)
    assert zone.replace("_", " ") in text_of(message)
    assert f"{told:%H:%M} UTC" in html_of(message)


@pytest.mark.parametrize("name", ["new_device", "session_ended"])
def test_a_notice_names_the_device_and_where_it_was(user: User, now: datetime, name: str) -> None:
    message = delivered(name, user, now)

    for text in ("Firefox on Linux", "203.0.113.9"):
        assert text in text_of(message)
        assert text in html_of(message)


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        ("acme/2.1", "acme"),
        ("https://evil.example/x", "an unknown device"),
        ("evil.example", "an unknown device"),
        ("", "an unknown device"),
    ],
)
def test_a_device_can_make_no_link(user: User, now: datetime, device: str, shown: str) -> None:
    new_sign_in(user, now, "Safari on iOS")
    new_sign_in(user, now, device)

    work_off(queues=["mail"])

    (message,) = mail.outbox
    assert f"Device: {shown}\n" in text_of(message)
    assert "evil" not in text_of(message)


@pytest.mark.parametrize("name", ["password_changed", "new_device", "session_ended"])
def test_nobody_is_told_of_an_account_that_was_shut(user: User, now: datetime, name: str) -> None:
    SCENES[name][0](user, now)
    User.objects.change(user, is_active=False)

    work_off(queues=["mail"])

    assert mail.outbox == []


def test_a_notice_about_a_session_that_is_pruned_is_dropped(user: User, now: datetime) -> None:
    _sign_in_anew(user, now)
    UserSession.objects.all().delete()

    work_off(queues=["mail"])

    assert mail.outbox == []


def test_the_first_device_is_no_new_one(user: User, now: datetime) -> None:
    new_sign_in(user, now)

    work_off(queues=["mail"])

    assert mail.outbox == []
