from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.mail import EmailMultiAlternatives
from django.http import Http404
from django.test import RequestFactory

from core import dev_mail

LINK = "http://127.0.0.1:8000/verify-email/abc_def"


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EMAIL_BACKEND = "core.dev_mail.FolderEmailBackend"
    settings.DEV_MAIL_FOLDER = tmp_path / "mail"
    return tmp_path / "mail"


def send(subject: str = "Grüße", text: str = f"Open {LINK}.\n", html: str = "") -> None:
    message = EmailMultiAlternatives(subject, text, "us@example.com", ["ada@example.com"])
    if html:
        message.attach_alternative(html, "text/html")
    message.send()


def test_a_message_becomes_one_file_named_by_time(folder: Path) -> None:
    send()

    (file,) = folder.iterdir()
    assert file.suffix == ".eml"
    assert UUID(file.stem).version == 7
    assert b"To: ada@example.com\n" in file.read_bytes()


def test_mails_are_read_back_newest_first(folder: Path) -> None:
    send("First")
    send("Grüße", html="<p>Hello</p>")

    newest, oldest = dev_mail.mails()

    assert (newest.subject, newest.to, newest.from_) == (
        "Grüße",
        "ada@example.com",
        "us@example.com",
    )
    assert (newest.text, newest.html.strip()) == (f"Open {LINK}.\n", "<p>Hello</p>")
    assert newest.links == [LINK]
    assert oldest.subject == "First"
    assert not oldest.has_html
    assert oldest.sent_at <= newest.sent_at
    assert newest.ago == "just now"


def test_a_mail_whose_writing_broke_off_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(self: Path, target: Path) -> Path:
        raise OSError("The disk is full.")

    monkeypatch.setattr(Path, "rename", breaks_off)
    with pytest.raises(OSError, match="full"):
        send()

    assert dev_mail.mails() == []


def test_half_a_mail_and_foreign_files_are_not_listed(folder: Path) -> None:
    send()
    (folder / ".0198.tmp").write_bytes(b"Subject: half")
    (folder / "notes.eml").write_bytes(b"not ours")
    (folder / "readme.txt").write_bytes(b"not ours")

    assert len(dev_mail.mails()) == 1


def test_before_the_first_mail_the_page_says_how_to_get_it(
    folder: Path, rf: RequestFactory
) -> None:
    page = dev_mail.mail_list(rf.get("/dev/mail")).content.decode()

    assert "No mail yet" in page
    assert "/api/v1/auth/register" in page


def test_the_list_links_each_mail_and_escapes_it(folder: Path, rf: RequestFactory) -> None:
    send("<script>alert(1)</script>")
    (mail,) = dev_mail.mails()

    page = dev_mail.mail_list(rf.get("/dev/mail")).content.decode()

    assert f'href="/dev/mail/{mail.id}"' in page
    assert "<script>" not in page


def test_a_mail_shows_its_links_its_text_and_its_html_behind_glass(
    folder: Path, rf: RequestFactory
) -> None:
    send(text=f"<b>Open</b> {LINK}\n", html="<p>Hello</p>")
    (mail,) = dev_mail.mails()

    response = dev_mail.mail_detail(rf.get("/"), mail_id=mail.id)

    page = " ".join(response.content.decode().split())
    assert f'href="{LINK}"' in page
    assert "&lt;b&gt;Open&lt;/b&gt;" in page
    assert f'<iframe class="sheet" sandbox src="/dev/mail/{mail.id}/html"' in page
    assert "frame-src 'self'" in response["Content-Security-Policy"]


def test_a_mail_without_html_shows_no_empty_frame(folder: Path, rf: RequestFactory) -> None:
    send()
    (mail,) = dev_mail.mails()

    assert b"<iframe" not in dev_mail.mail_detail(rf.get("/"), mail_id=mail.id).content


def test_the_html_of_a_mail_may_run_and_load_nothing(folder: Path, rf: RequestFactory) -> None:
    send(html="<p>Hello</p><script>alert(1)</script>")
    (mail,) = dev_mail.mails()

    response = dev_mail.mail_html(rf.get("/"), mail_id=mail.id)

    policy = response["Content-Security-Policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-ancestors 'self'",
        "sandbox",
    ]
    assert response["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("view", [dev_mail.mail_detail, dev_mail.mail_html])
def test_a_mail_that_is_gone_is_not_found(folder: Path, rf: RequestFactory, view: Any) -> None:
    with pytest.raises(Http404):
        view(rf.get("/"), mail_id=uuid4())


@pytest.mark.parametrize("ending", [".", ",", ");", ":"])
def test_a_link_ends_before_the_punctuation(folder: Path, ending: str) -> None:
    send(text=f"See {LINK}{ending} And {LINK} again.")

    (mail,) = dev_mail.mails()

    assert mail.links == [LINK]
