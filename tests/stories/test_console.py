"""The live page: two windows and a phone stay in step, whatever happens to the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from notifications.messages import Message
from notifications.models import Notification
from notifications.services import broadcasting, sending
from organizations.models import Organization
from tests.browser import Chromium, Window
from tests.conftest import make_user
from tests.consoles import at_home, is_live, sign_in
from tests.servers import Server
from tests.tenants import found, join

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.timeout(240),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with at_home(tmp_path / "server.log") as server:
        yield server


@pytest.fixture
def acme(uma: User) -> Organization:
    acme = found("Acme", make_user("olga@example.com"))
    join(acme, uma, "member")
    return acme


def tell(user: User, title: str) -> None:
    message = Message("message", title=title)
    assert sending.notify(message, user_ids=[user.pk], now=timezone.now())


def shows(count: int, *windows: Window, titles: list[str]) -> None:
    """Wait until every window has this count in all places, and these titles in the list."""
    for window in windows:
        window.until(f"document.getElementById('count').textContent === '{count}'")
        window.until(f"document.title.startsWith('({count}) ') === {str(count > 0).lower()}")
        window.until(
            "JSON.stringify([...document.querySelectorAll('#items h3')].map(e => e.textContent))"
            f" === JSON.stringify({titles})"
        )


def press(window: Window, title: str, button: str) -> None:
    window.do(lambda page: page.get_by_role("button", name=f"{button}: {title}").click())


Windows = tuple[Window, Window, Window]


@pytest.fixture
def windows(server: Server, browser: Chromium, uma: User, acme: Organization) -> Windows:
    """Two windows of one profile, and a phone: all of Uma's, who belongs to Acme."""
    desk = browser.do(browser.profile)
    first, second = Window(browser, desk), Window(browser, desk)
    phone = Window(browser, browser.do(lambda: browser.profile(width=390, scheme="dark")))
    Notification.objects.of(uma.pk).delete()  # of having joined
    sign_in(first, server, uma)
    second.do(lambda page: page.goto(f"{server.base}/console"))  # the first one's profile
    is_live(second)
    sign_in(phone, server, uma)
    shows(0, first, second, phone, titles=[])
    return first, second, phone


def test_three_windows_stay_in_step(  # NTF 8, NTF 9, NTF 10
    server: Server, windows: Windows, uma: User, acme: Organization, tmp_path: Path
) -> None:
    one_by_one(windows, uma)
    all_at_once(windows, uma)
    to_everybody_in(acme, windows)
    through_a_kill(server, windows, uma, tmp_path / "again.log")

    assert [window.complaints for window in windows] == [[], [], []]


def one_by_one(windows: Windows, uma: User) -> None:
    first, second, phone = windows
    tell(uma, "One")
    tell(uma, "Two")
    shows(2, *windows, titles=["Two", "One"])
    press(first, "Two", "Mark as read")
    shows(1, *windows, titles=["Two", "One"])
    press(phone, "Two", "Archive")
    shows(1, *windows, titles=["One"])
    press(second, "One", "Delete")
    shows(0, *windows, titles=[])


def all_at_once(windows: Windows, uma: User) -> None:
    tell(uma, "Three")
    tell(uma, "Four")
    shows(2, *windows, titles=["Four", "Three"])
    windows[1].do(lambda page: page.click("#read-all"))
    shows(0, *windows, titles=["Four", "Three"])


def to_everybody_in(acme: Organization, windows: Windows) -> None:
    for window in windows:
        window.do(lambda page: page.select_option("#organization", label="Acme"))
        window.until("document.getElementById('people').textContent.includes('Uma User')")
    to_all = Message("message", title="To all of Acme", organization_id=acme.pk)
    broadcasting.broadcast(to_all, now=timezone.now())
    shows(1, *windows, titles=["To all of Acme"])
    for window in windows:
        window.do(lambda page: page.select_option("#organization", label="All of them"))
    shows(1, *windows, titles=["To all of Acme", "Four", "Three"])


def through_a_kill(server: Server, windows: Windows, uma: User, log: Path) -> None:
    server.process.kill()
    server.process.wait()
    tell(uma, "While it was down")
    with at_home(log, port=server.port):
        is_live(*windows)
        shown = ["While it was down", "To all of Acme", "Four", "Three"]
        shows(2, *windows, titles=shown)
        tell(uma, "And after")
        shows(3, *windows, titles=["And after", *shown])


def test_signing_out_ends_every_window_of_the_profile_and_keys_do_the_work(
    server: Server, browser: Chromium, uma: User
) -> None:
    desk = browser.do(browser.profile)
    first, second = Window(browser, desk), Window(browser, desk)
    sign_in(first, server, uma)
    second.do(lambda page: page.goto(f"{server.base}/console"))
    is_live(second)
    tell(uma, "One")
    tell(uma, "Two")
    shows(2, first, second, titles=["Two", "One"])

    for key in ("j", "j", "r"):  # the second one
        first.do(lambda page, key=key: page.keyboard.press(key))  # type: ignore[misc]
    shows(1, first, second, titles=["Two", "One"])
    first.until("document.querySelector('#items > li:nth-child(2) .unread').hidden")

    first.do(lambda page: page.click("#sign-out"))
    for window in (first, second):
        window.until("!document.getElementById('sign-in').hidden")
        window.until("document.getElementById('app').hidden")
