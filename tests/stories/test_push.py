"""Notifications on a device, in Chromium: asked for by a click, shown and opened by the worker."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from core.outbound.addresses import network
from notifications.messages import Message
from notifications.models import Notification, PushDevice
from notifications.services import sending
from tests import consoles
from tests.browser import Chromium, Window
from tests.notifications.push.browsers import Subscription, deliver
from tests.recorder import Recorder, recording
from tests.servers import Server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.timeout(240),
]
# Headless Chromium has no push service to subscribe at; all else is its own.
SUBSCRIBED = """
(() => {
  let kept = sessionStorage.getItem("subscribed");
  const made = () => ({
    toJSON: () => (%s),
    unsubscribe: async () => { kept = null; sessionStorage.removeItem("subscribed"); return true; },
  });
  PushManager.prototype.subscribe = async function (options) {
    sessionStorage.setItem("subscribed", (kept = options.applicationServerKey));
    return made();
  };
  PushManager.prototype.getSubscription = async () => (kept ? made() : null);
})();
"""


@pytest.fixture
def service() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, service: Recorder) -> Iterator[Server]:
    ours: dict[str, Any] = {"OUTBOUND_ALLOW": "127.0.0.0/8", "OUTBOUND_PORTS": str(service.port)}
    with consoles.at_home(tmp_path / "server.log", **ours) as server:
        yield server


def prepared(browser: Chromium, subscription: Subscription, *, allows: bool = True) -> Any:
    """Return a profile whose push service is the recorder."""
    body = subscription.body()
    given = orjson.dumps({"endpoint": body["endpoint"], "keys": body["keys"]}).decode()

    def prepare() -> Any:
        profile = browser.profile()
        if allows:
            profile.grant_permissions(["notifications"])
        profile.add_init_script(SUBSCRIBED % given)
        return profile

    return browser.do(prepare)


def sign_in(window: Window, server: Server, user: User, *, has_push: bool = True) -> None:
    consoles.sign_in(window, server, user)
    if has_push:
        window.until("!document.getElementById('push').hidden")


def says(window: Window, words: str) -> None:
    window.until(f"document.getElementById('push').textContent === '{words}'")


def test_a_click_registers_this_browser_and_another_or_signing_out_ends_it(
    server: Server, browser: Chromium, uma: User, service: Recorder
) -> None:
    subscription = Subscription(f"{service.base}/push/chromium")
    window = Window(browser, prepared(browser, subscription))
    sign_in(window, server, uma)
    assert not PushDevice.objects.exists()

    window.do(lambda page: page.click("#push"))
    says(window, "Stop notifying this device")

    device = PushDevice.objects.get()
    assert (device.token, device.user_id) == (subscription.endpoint, uma.pk)
    assert device.device == "HeadlessChrome on Linux"
    window.do(lambda page: page.reload())
    says(window, "Stop notifying this device")

    window.do(lambda page: page.click("#push"))
    says(window, "Notify me on this device")
    assert PushDevice.objects.get().end_reason == "removed"

    window.do(lambda page: page.click("#push"))
    says(window, "Stop notifying this device")
    window.do(lambda page: page.click("#sign-out"))
    window.until("document.getElementById('push').hidden")
    window.until("sessionStorage.getItem('subscribed') === null")
    window.until("!document.getElementById('sign-in').hidden")
    sign_in(window, server, uma)
    says(window, "Notify me on this device")
    assert PushDevice.objects.get().end_reason == "signed out"
    assert window.complaints == []


class Worker:
    """The service worker of a window's profile, as the browser's own tools reach it."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.session = window.do(lambda page: page.context.new_cdp_session(page))
        found: list[str] = []
        known = threading.Event()

        def updated(event: Any) -> None:
            found.extend(each["registrationId"] for each in event["registrations"])
            known.set()

        def enable(page: Any) -> None:
            self.session.on("ServiceWorker.workerRegistrationUpdated", updated)
            self.session.send("ServiceWorker.enable")
            for _ in range(100):
                if known.is_set():
                    return
                page.wait_for_timeout(50)

        window.do(enable)
        self.registration = found[0]

    def push(self, origin: str, data: str) -> None:
        message = {"origin": origin, "registrationId": self.registration, "data": data}
        self.window.do(lambda _: self.session.send("ServiceWorker.deliverPushMessage", message))


SHOWN = """(async () => {
  const registration = await navigator.serviceWorker.getRegistration("/console");
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
})()"""


def shown(window: Window, count: int) -> Any:
    window.until(SHOWN.replace("shown.map", f"shown.length === {count} && shown.map"))
    return window.do(lambda page: page.evaluate(SHOWN))


def ready(server: Server, browser: Chromium, uma: User, subscription: Subscription) -> Window:
    """Return a window in which somebody asked to be notified."""
    window = Window(browser, prepared(browser, subscription))
    sign_in(window, server, uma)
    window.do(lambda page: page.click("#push"))
    says(window, "Stop notifying this device")
    return window


# A click that no hand made may open no window and take no focus: what it would do is noted instead.
CLICKED = """async () => {
  const opened = [];
  self.clients.openWindow = async (url) => { opened.push(`opens ${url}`); };
  WindowClient.prototype.focus = async function () { opened.push(`goes to ${this.url}`); };
  for (const notification of await self.registration.getNotifications()) {
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  }
  for (let turn = 0; opened.length < 2 && turn < 200; turn++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return [opened, (await self.registration.getNotifications()).length];
}"""


def test_what_somebody_is_told_is_shown_and_opened_by_the_worker(
    server: Server, browser: Chromium, uma: User, service: Recorder, settings: LazySettings
) -> None:
    settings.OUTBOUND_ALLOW, settings.OUTBOUND_PORTS = [network("127.0.0.0/8")], [service.port]
    subscription = Subscription(f"{service.base}/push/chromium")
    window = ready(server, browser, uma, subscription)
    worker = Worker(window)
    action = {"label": "See", "url": "/builds/7"}
    message = Message("message", title="Build 7 is done", body="In 4 minutes", actions=[action])
    (told,) = sending.notify(message, user_ids=[uma.pk], now=timezone.now())

    deliver()
    plain = subscription.read(service.requests[0])
    worker.push(server.base, orjson.dumps(plain).decode())

    assert shown(window, 1) == [
        {
            "title": "Build 7 is done",
            "body": "In 4 minutes",
            "tag": str(told),
            "data": {"url": "/builds/7"},
        }
    ]
    worker.push(server.base, orjson.dumps({**plain, "title": "Again"}).decode())
    worker.push(server.base, "no JSON")
    titles = {each["title"]: each["data"]["url"] for each in shown(window, 2)}
    assert titles == {"Again": "/builds/7", "New notification": "/console"}
    opened, left = window.do(lambda page: page.context.service_workers[0].evaluate(CLICKED))
    there = {f"opens {server.base}/builds/7", f"goes to {server.base}/console"}
    assert set(opened) == there
    assert left == 0
    assert Notification.objects.get(pk=told).read_at is None
    assert window.complaints == []


def test_a_browser_that_forbids_it_is_told_so_and_one_without_it_is_not_asked(
    server: Server, browser: Chromium, uma: User, service: Recorder
) -> None:
    subscription = Subscription(f"{service.base}/push/chromium")
    window = Window(browser, prepared(browser, subscription, allows=False))
    sign_in(window, server, uma)

    window.do(lambda page: page.click("#push"))

    window.until("document.getElementById('push-note').textContent.includes('Allow them in its')")
    says(window, "Notify me on this device")
    assert not PushDevice.objects.exists()

    without = prepared(browser, subscription)
    browser.do(lambda: without.add_init_script("delete window.PushManager;"))
    old = Window(browser, without)
    sign_in(old, server, uma, has_push=False)
    old.until("document.getElementById('push').hidden")
    assert (window.complaints, old.complaints) == ([], [])
