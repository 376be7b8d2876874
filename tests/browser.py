"""Headless Chromium, driven from a thread of its own: its event loop must not be the database's."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 30_000
T = TypeVar("T")


class Chromium:
    """Whatever is done to pages is done by `do`, one thing after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "chromium")
        self._playwright: Any = None
        self._browser: Browser

    def do(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()

    def start(self) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--no-proxy-server"]
        )

    def stop(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def profile(self, *, width: int = 1280, scheme: Any = "light") -> Any:
        """Return a new profile, whose windows share what they keep."""
        viewport: Any = {"width": width, "height": 900}
        context = self._browser.new_context(viewport=viewport, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MS)
        return context


class Window:
    """One page, and what went wrong in it."""

    def __init__(self, chromium: Chromium, profile: Any) -> None:
        self.complaints: list[str] = []
        self._chromium = chromium
        self.page: Page = chromium.do(profile.new_page)
        self.do(self._listen)

    def do(self, work: Callable[[Page], T]) -> T:
        return self._chromium.do(lambda: work(self.page))

    def until(self, condition: str) -> None:
        """Wait until an expression of JavaScript is true."""
        self.do(lambda page: _wait(page, condition))

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            self.complaints.append(message.text)


def _wait(page: Page, condition: str) -> None:
    # Playwright's own waiting evaluates text in the page, which the page's policy forbids.
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise AssertionError(f"never true: {condition}\n{page.inner_text('body')}")
        page.wait_for_timeout(50)


@contextmanager
def chromium() -> Iterator[Chromium]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    browser = Chromium()
    browser.do(browser.start)
    try:
        yield browser
    finally:
        browser.do(browser.stop)
