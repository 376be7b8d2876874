"""The live page: two windows and a phone stay in step, whatever happens to the server."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from notifications.messages import Message
from notifications.models import Notification
from notifications.services import broadcasting, sending
from organizations.models import Organization
from tests.browser import Chromium, Window, chromium
from tests.conftest import PASSWORD, make_user
from tests.servers import Server, free_port
from tests.tenants import found, join

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.timeout(240),
]
SETTINGS: dict[str, Any] = {"RATE_LIMITS": "{}"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = Server(tmp_path / "server.log", port=port, PUBLIC_URL=url, **SETTINGS)
    try:
        yield server.wait_until_ready()
    finally:
        server.end()


@pytest.fixture
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


@pytest.fixture
def uma() -> User:
    return make_user("uma@example.com")


@pytest.fixture
def acme(uma: User) -> Organization:
    acme = found("Acme", make_user("olga@example.com"))
    join(acme, uma, "member")
    return acme


def tell(user: User, title: str) -> None:
    message = Message("message", title=title)
    assert sending.notify(message, user_ids=[user.pk], now=timezone.now())


def sign_in(window: Window, server: Server, user: User) -> None:
    def type_in() -> None:
        page = window.page
        page.goto(f"{server.base}/console")
        page.fill("#email", user.email)
        page.fill("#password", PASSWORD)
        page.click("#sign-in button")

    window.do(lambda _: type_in())
    is_live(window)


def is_live(*windows: Window) -> None:
    for window in windows:
        window.until("document.getElementById('status').textContent === 'Live'")


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


def test_three_windows_stay_in_step(  # NTF 8, NTF 9, NTF 10
    server: Server, browser: Chromium, uma: User, acme: Organization, tmp_path: Path
) -> None:
    desk = browser.do(browser.profile)
    first, second = Window(browser, desk), Window(browser, desk)
    phone = Window(browser, browser.do(lambda: browser.profile(width=390, scheme="dark")))
    everywhere = (first, second, phone)
    Notification.objects.of(uma.pk).delete()  # of having joined
    sign_in(first, server, uma)
    second.do(lambda page: page.goto(f"{server.base}/console"))  # the first one's profile
    is_live(second)
    sign_in(phone, server, uma)
    shows(0, *everywhere, titles=[])

    tell(uma, "One")
    tell(uma, "Two")
    shows(2, *everywhere, titles=["Two", "One"])
    press(first, "Two", "Mark as read")
    shows(1, *everywhere, titles=["Two", "One"])
    press(phone, "Two", "Archive")
    shows(1, *everywhere, titles=["One"])
    press(second, "One", "Delete")
    shows(0, *everywhere, titles=[])

    tell(uma, "Three")
    tell(uma, "Four")
    shows(2, *everywhere, titles=["Four", "Three"])
    second.do(lambda page: page.click("#read-all"))
    shows(0, *everywhere, titles=["Four", "Three"])

    for window in everywhere:
        window.do(lambda page: page.select_option("#organization", label="Acme"))
        window.until("document.getElementById('people').textContent.includes('Uma User')")
    to_all = Message("message", title="To all of Acme", organization_id=acme.pk)
    broadcasting.broadcast(to_all, now=timezone.now())
    shows(1, *everywhere, titles=["To all of Acme"])

    for window in everywhere:
        window.do(lambda page: page.select_option("#organization", label="All of them"))
    shows(1, *everywhere, titles=["To all of Acme", "Four", "Three"])
    again = restart_after_kill(server, lambda: tell(uma, "While it was down"), tmp_path)
    try:
        is_live(*everywhere)
        shows(2, *everywhere, titles=["While it was down", "To all of Acme", "Four", "Three"])
        tell(uma, "And after")
        shows(
            3,
            first,
            second,
            titles=["And after", "While it was down", "To all of Acme", "Four", "Three"],
        )
    finally:
        again.end()
    assert [window.complaints for window in everywhere] == [[], [], []]


def restart_after_kill(server: Server, meanwhile: object, tmp_path: Path) -> Server:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    assert callable(meanwhile)
    meanwhile()
    again = Server(tmp_path / "again.log", port=server.port, PUBLIC_URL=server.base, **SETTINGS)
    return again.wait_until_ready()


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
