"""Mail of development: every message becomes a file, with pages to read them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage as ParsedMessage
from email.parser import BytesParser
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.timesince import timesince
from uuid_utils.compat import uuid7

from core.pages import read_only

LISTED = 200
"""Mails; whoever has more looks into the folder."""

LINK = re.compile(r"https?://[^\s<>\"']+")
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as its page shows it."""

    id: UUID
    subject: str
    to: str
    from_: str
    sent_at: datetime
    text: str
    html: str

    @property
    def has_html(self) -> bool:
        return bool(self.html)

    @property
    def ago(self) -> str:
        if datetime.now(tz=UTC) - self.sent_at < timedelta(minutes=1):
            return "just now"
        return f"{timesince(self.sent_at)} ago"

    @property
    def links(self) -> list[str]:
        """Return the links of the text, each once, in their order."""
        return list(dict.fromkeys(link.rstrip(".,;:)") for link in LINK.findall(self.text)))


class FolderEmailBackend(BaseEmailBackend):
    """Writes each message to DEV_MAIL_FOLDER as `<uuid7>.eml`, complete or not at all."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _write(message.message().as_bytes())
        return len(email_messages)


def _write(content: bytes) -> None:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    name = str(uuid7())
    unfinished = folder / f".{name}.tmp"
    unfinished.write_bytes(content)
    unfinished.rename(folder / f"{name}.eml")  # a reader never meets half a mail


def _folder() -> Path:
    return Path(settings.DEV_MAIL_FOLDER)


def mails() -> list[Mail]:
    """Return the newest mails, newest first: a UUIDv7 sorts by time."""
    names = sorted((path.stem for path in _folder().glob("*.eml")), reverse=True)
    return list(_readable(names[:LISTED]))


def _readable(names: Sequence[str]) -> Iterator[Mail]:
    for name in names:
        try:
            yield read(UUID(name))
        except (ValueError, FileNotFoundError):  # not ours, or deleted a moment ago
            continue


def read(mail_id: UUID) -> Mail:
    """Return one mail. Raises FileNotFoundError."""
    content = (_folder() / f"{mail_id}.eml").read_bytes()
    message = BytesParser(_class=ParsedMessage, policy=policy.default).parsebytes(content)
    return Mail(
        id=mail_id,
        subject=str(message["subject"] or ""),
        to=str(message["to"] or ""),
        from_=str(message["from"] or ""),
        sent_at=_moment(mail_id),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _moment(mail_id: UUID) -> datetime:
    milliseconds = mail_id.int >> 80  # RFC 9562, section 5.7
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _part(message: ParsedMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""


@read_only
def mail_list(request: HttpRequest) -> HttpResponse:
    context = {"mails": mails(), "public_url": settings.PUBLIC_URL}
    return HttpResponse(render_to_string("pages/dev_mail_list.html", context))


@read_only
def mail_detail(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    page = render_to_string("pages/dev_mail.html", {"mail": _found(mail_id)})
    return HttpResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})


@read_only
def mail_html(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    """The mail's own HTML, which nobody vouches for: no scripts, no requests, no origin."""
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(_found(mail_id).html, headers=headers)


def _found(mail_id: UUID) -> Mail:
    try:
        return read(mail_id)
    except FileNotFoundError:
        raise Http404 from None
