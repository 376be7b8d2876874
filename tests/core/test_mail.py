import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives

from core import mail

LINK = "https://app.example.com/verify?token=a-b_c&x=1"
VERIFY: dict[str, object] = {"full_name": "Ada O'Byron", "link": LINK, "expires_in_hours": 24}
REGISTERED: dict[str, object] = {
    "full_name": "Grace",
    "sign_in_url": "https://app.example.com/sign-in",
    "reset_url": "https://app.example.com/reset",
}
RESET = "https://app.example.com/forgot-password"
NOTICE: dict[str, object] = {
    "full_name": "Ada O'Byron",
    "device": "Ada's <browser> & more",
    "ip_address": "2001:db8::1",
    "signed_in_at": "24 November 2026, 00:05 (Europe/Paris; 23 November 2026, 23:05 UTC)",
    "reset_url": RESET,
}
EVERY = [
    ("verify_email", VERIFY),
    ("already_registered", REGISTERED),
    ("reset_password", VERIFY),
    ("confirm_email", VERIFY),
    ("email_changed", VERIFY | {"new_email": "n…@example.org"}),
    ("password_changed", NOTICE),
    ("deletion_requested", VERIFY | {"due_at": "7 December 2026, 12:00 UTC"}),
    ("new_device", NOTICE),
    ("session_ended", NOTICE),
    ("test", {}),
]

Outbox = list[EmailMultiAlternatives]


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


def visible(html: str) -> str:
    body = html.split("<body", 1)[1]
    text = re.sub(r"<[^>]+>", " ", "<body" + body)
    return " ".join(unescape(text).split())


@pytest.mark.parametrize(("template", "context"), EVERY)
def test_html_and_text_say_the_same_words(
    mailoutbox: Outbox, template: str, context: dict[str, object], settings: Any
) -> None:
    mail.send(template, to="ada@example.com", context=context)

    message = mailoutbox[0]
    shown = visible(html_of(message))
    footer = {"", "--", f"{settings.PRODUCT_NAME}: {settings.PUBLIC_URL}"}
    for line in set(str(message.body).splitlines()) - footer:
        assert line.rstrip(":") in shown


@pytest.mark.parametrize(("template", "context"), EVERY)
def test_a_subject_is_one_short_line(
    mailoutbox: Outbox, template: str, context: dict[str, object]
) -> None:
    mail.send(template, to="ada@example.com", context=context)

    subject = mailoutbox[0].subject
    assert 0 < len(subject) < 60
    assert subject.isprintable()


def test_the_same_link_stands_in_both_and_is_escaped_in_html_only(mailoutbox: Outbox) -> None:
    mail.send("verify_email", to="ada@example.com", context=VERIFY)

    message = mailoutbox[0]
    escaped = LINK.replace("&", "&amp;")
    assert f"\n{LINK}\n" in message.body
    assert html_of(message).count(f'href="{escaped}"') == 2
    assert "Hello Ada O'Byron," in message.body


def test_a_name_can_hold_no_markup(mailoutbox: Outbox) -> None:
    mail.send("verify_email", to="a@example.com", context=VERIFY | {"full_name": "<b>Ada</b>"})

    assert "<b>" not in html_of(mailoutbox[0])


@pytest.mark.parametrize(
    "name",
    ["Free money at https://spam.example", "visit spam.example", "x@spam.example", "A" * 61, " "],
)
def test_a_name_that_is_no_name_is_not_passed_on(mailoutbox: Outbox, name: str) -> None:
    mail.send("verify_email", to="ada@example.com", context=VERIFY | {"full_name": name})

    message = mailoutbox[0]
    assert message.body.startswith("Hello,\n")
    assert "spam" not in message.body + html_of(message)


@pytest.mark.parametrize("name", ["J.R.R. Tolkien", "Ada  Byron", "李小龍", "Ana-María O'Neil"])
def test_an_ordinary_name_is_greeted(mailoutbox: Outbox, name: str) -> None:
    mail.send("verify_email", to="ada@example.com", context=VERIFY | {"full_name": name})

    assert mailoutbox[0].body.startswith(f"Hello {' '.join(name.split())},\n")


@pytest.fixture
def invitation(tmp_path: Path, settings: Any) -> str:
    """A template whose subject holds what somebody typed."""
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "invite.subject.txt").write_text("{{ full_name }} invites you")
    (folder / "invite.txt").write_text("Hello")
    (folder / "invite.html").write_text("Hello")
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [engine | {"DIRS": [*engine["DIRS"], tmp_path]}]
    return "invite"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\x00"])
def test_a_subject_can_begin_no_other_header(
    mailoutbox: Outbox, invitation: str, newline: str
) -> None:
    name = f"Ada{newline}Bcc: everybody@example.com"

    mail.send(invitation, to="ada@example.com", context={"full_name": name})

    message = mailoutbox[0]
    assert message.subject == "Ada Bcc: everybody@example.com invites you"
    assert message.message()["Bcc"] is None


def test_a_subject_that_would_be_too_long_is_cut(mailoutbox: Outbox, invitation: str) -> None:
    mail.send(invitation, to="ada@example.com", context={"full_name": "Ada " * 30})

    assert len(mailoutbox[0].subject) <= 59
    assert mailoutbox[0].subject.endswith("…")


def test_an_address_can_begin_no_other_header(mailoutbox: Outbox) -> None:
    with pytest.raises(ValueError, match="newline"):
        mail.send("test", to="ada@example.com\nBcc: everybody@example.com", context={})

    assert mailoutbox == []


def test_a_mail_server_that_is_away_is_heard_of(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    with pytest.raises(ConnectionRefusedError):
        mail.send("test", to="ada@example.com", context={})
