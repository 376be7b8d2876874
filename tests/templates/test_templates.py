"""What holds for every page and every mail, whoever wrote it."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.template.loader import render_to_string

from accounts import page_words
from accounts.pages import LINK_PAGES
from core import problems
from core.dev_mail import Mail
from invitations import page_words as invitation_words

TEMPLATES = Path(__file__).parents[2] / "templates"

MAIL = Mail(
    id=UUID("01980000-0000-7000-8000-000000000000"),
    subject="Confirm",
    to="ada@example.com",
    from_="us@example.com",
    sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    text="Open https://app.example.com/x",
    html="<p>Hello</p>",
)
SERVICES = [
    {"name": "PostgreSQL", "state": "ok", "note": "Answered."},
    {"name": "Redis", "state": "down", "note": ""},
]
ROOMS = [{"name": "Accounts", "summary": "Sign-in."}]
DOORS = [{"name": "Admin", "href": "/admin/", "note": "For operators."}]
ASKING = {"field": page_words.NEW_PASSWORD, "problems": ["Too short.", "Too common."]}
INVITATION: dict[str, Any] = {
    "organization": {"name": "Acme"},
    "expires_at": datetime(2026, 1, 8, tzinfo=UTC),
    "token": "t",
    "fields": [{"field": f} for f in (invitation_words.NAME, invitation_words.NEW_PASSWORD)],
}
REFUSED: dict[str, Any] = {
    "problems": [{"pointer": "", "detail": "Not now."}],
    "account_exists": True,
    "fields": [
        {"field": invitation_words.NAME, "problems": ["Too long."]},
        {"field": invitation_words.PASSWORD, "problems": ["Not yours."]},
    ],
}
ACTIONS: list[tuple[page_words.Words, dict[str, Any]]] = [
    *(
        (page.words[state], {"field": page.field})
        for page in LINK_PAGES.values()
        for state in page.words
    ),
    *((words, {"field": page_words.ADDRESS}) for words in page_words.FORGOT_PASSWORD.values()),
    (page_words.RESET_PASSWORD["ready"], ASKING),
]

FRONT = {"version": "1", "services": SERVICES, "rooms": ROOMS, "doors": DOORS}
PAGES: list[tuple[str, dict[str, Any]]] = [
    ("front", FRONT | {"debug": True}),
    ("front", FRONT | {"debug": False, "rooms": []}),
    ("problem_index", {"problems": list(problems.CATALOG.values())}),
    ("problem", {"problem": problems.CATALOG["token_expired"], "example": "{}"}),
    ("error", {"status": 404, "title": "Nothing here", "detail": "No.", "request_id": None}),
    ("dev_mail_list", {"mails": []}),
    ("dev_mail_list", {"mails": [MAIL]}),
    ("dev_mail", {"mail": MAIL}),
    *(("action", {"words": words, "token": "t", **more}) for words, more in ACTIONS),
    *(("invitation", INVITATION | more) for more in ({}, REFUSED)),
    *(
        ("invitation_over", {"words": words, "is_done": done})
        for words in invitation_words.STATES.values()
        for done in (True, False)
    ),
]


class Outline(HTMLParser):
    """The tags of a page, with their attributes, and what a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(params=PAGES, ids=lambda page: page[0])
def page(request: pytest.FixtureRequest) -> Outline:
    name, context = request.param
    return Outline(render_to_string(f"pages/{name}.html", context))


def test_a_page_carries_no_inline_style_and_no_script(page: Outline) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"script", "style"}
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_a_page_loads_nothing_from_elsewhere(page: Outline) -> None:
    for tag, attributes in page.tags:
        loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        assert loaded is None or loaded.startswith("/")


def test_the_headings_of_a_page_are_in_order(page: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3", "h4"}]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_page_has_a_language_a_title_and_landmarks(page: Outline) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == 1
    for landmark in ("header", "main", "footer", "nav"):
        assert len(page.all(landmark)) == 1
    assert page.all("main")[0]["id"] == "main"


def test_the_ids_of_a_page_are_unique_and_its_labels_lead_somewhere(page: Outline) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    named = [attributes.get("aria-labelledby") for _, attributes in page.tags]

    assert len(ids) == len(set(ids))
    assert {name for name in named if name} <= set(ids)


def test_every_form_posts_its_token_to_where_it_stands(page: Outline) -> None:
    for form in page.all("form"):
        assert form == {"method": "post"}
        assert {"type": "hidden", "name": "token", "value": "t"} in page.all("input")
        assert len(page.all("button")) == len(page.all("form"))


def test_every_field_has_a_label_and_tells_what_describes_it(page: Outline) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    labels = {label["for"] for label in page.all("label")}
    for field in page.all("input"):
        if field["type"] != "hidden":
            assert field["id"] in labels
            assert set((field["aria-describedby"] or "").split()) <= ids
            assert "value" not in field


def test_what_was_wrong_is_summed_up_and_stands_beside_the_field() -> None:
    context = {"words": page_words.RESET_PASSWORD["ready"], **ASKING}

    page = Outline(render_to_string("pages/action.html", context))

    (alert,) = [attributes for _, attributes in page.tags if attributes.get("role") == "alert"]
    (field,) = [each for each in page.all("input") if each["type"] == "password"]
    assert alert["aria-labelledby"] == "problems"
    assert [link for link in page.all("a") if link["href"] == "#password"] == [
        {"href": "#password"}
    ] * 2
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "password-problem"
    assert "Error: Choose a new password · Tenantry" in page.words


@pytest.mark.parametrize("name", LINK_PAGES)
def test_only_a_fresh_link_has_a_button(name: str) -> None:
    words = LINK_PAGES[name].words

    assert [state for state in words if words[state].button] == ["ready"]
    assert {"ready", "done", "used", "expired", "superseded", "unknown"} <= words.keys()


WORDED = [path for path in sorted(TEMPLATES.rglob("*")) if path.suffix in {".html", ".txt"}]


@pytest.mark.parametrize("path", WORDED, ids=lambda path: path.name)
def test_the_words_are_calm(path: Path) -> None:
    source = re.sub(r"{%.*?%}|<style>.*?</style>", "", path.read_text(), flags=re.DOTALL)

    assert "!" not in "".join(Outline(source).words)


@pytest.mark.parametrize("path", sorted((TEMPLATES / "mail").glob("*.txt")), ids=lambda p: p.name)
def test_every_text_mail_has_an_html_twin(path: Path) -> None:
    twin = path.name.replace(".subject", "").replace(".txt", ".html")

    assert (path.parent / twin).is_file()


@pytest.mark.parametrize("mark", ["mark.svg", "mark-dark.svg", "favicon.svg"])
def test_the_mark_is_a_few_lines_of_svg(mark: str) -> None:
    svg = (TEMPLATES / "static" / "tenantry" / mark).read_text()

    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert len(svg.splitlines()) <= 8
    assert "<script" not in svg
    assert "<style" not in svg
