"""Mail: one call renders a template's subject, HTML and plain text and sends them together."""

import re
from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.loader import render_to_string

SUBJECT_LIMIT = 59
"""Characters. Phones cut off about here, and so do we rather than they."""

# A name is written by whoever registers, and mailed to whoever owns the address: without this, a
# "name" holding a link would make us the carrier of somebody's spam.
LOOKS_LIKE_A_LINK = re.compile(r"[:/@\\]|\w\.\w\w")
NAME_LIMIT = 60

LINK_JOINTS = re.compile(r"(?<=\S)([.:/@\\])(?=\S)")
ZERO_WIDTH_SPACE = "\u200b"

BLANK_LINES = re.compile(r"\n{3,}")
"""What template tags on lines of their own leave behind."""


def send(
    template: str,
    *,
    to: str,
    context: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send the mail `mail/<template>.*` to one address. Raises what the mail backend raises."""
    words = {
        "product_name": settings.PRODUCT_NAME,
        "public_url": settings.PUBLIC_URL,
        "greeting": _greeting(str(context.get("full_name", ""))),
        **context,
    }
    body = _plain(f"mail/{template}.txt", words).strip() + "\n"
    message = EmailMultiAlternatives(
        subject=_subject(_plain(f"mail/{template}.subject.txt", words)),
        body=BLANK_LINES.sub("\n\n", body),
        to=[to],
        headers=dict(headers or {}),
    )
    message.attach_alternative(render_to_string(f"mail/{template}.html", words), "text/html")
    message.send()


def unlinked(text: str) -> str:
    """Return a stranger's text so that it reads the same and no mail program makes a link of it."""
    return LINK_JOINTS.sub(rf"{ZERO_WIDTH_SPACE}\1{ZERO_WIDTH_SPACE}", text)


def _plain(template: str, words: dict[str, object]) -> str:
    # Plain text needs no escaping, and `&amp;` in a link would break it.
    return Engine.get_default().get_template(template).render(Context(words, autoescape=False))


def one_line(text: str) -> str:
    """Return the text without anything that could begin another line, or another header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _subject(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 1].rstrip() + "…"


def _greeting(full_name: str) -> str:
    name = one_line(full_name)
    if not name or len(name) > NAME_LIMIT or LOOKS_LIKE_A_LINK.search(name):
        return "Hello,"
    return f"Hello {name},"
