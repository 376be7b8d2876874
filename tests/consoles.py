"""The live page at /console, on a server that knows its own address, as somebody opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accounts.models import User
from tests.browser import Window
from tests.conftest import PASSWORD
from tests.servers import Server, free_port, running


@contextmanager
def at_home(log: Path, *, port: int = 0, **environment: str) -> Iterator[Server]:
    """Run a server whose own pages may open its socket."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with running(log, port=port, PUBLIC_URL=url, RATE_LIMITS="{}", **environment) as server:
        yield server


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
