"""What becomes of a push that a service refuses, or that nobody knows the end of."""

from typing import Any

import pytest

from accounts.models import User
from core.jobs.rows import select
from core.outbound import client
from notifications import tasks
from notifications.models import PushDevice
from notifications.push import sending
from tests.client import ApiClient
from tests.mails import queued
from tests.notifications.push.browsers import (
    deliver,
    states,
    subscribe,
)
from tests.notifications.told import tell
from tests.recorder import Recorder


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
def test_a_device_that_is_gone_is_ended(
    api: ApiClient, user: User, service: Recorder, status: str
) -> None:
    subscribe(api, service)
    service.says(status)
    tell(user)
    deliver()
    tell(user, "Another")

    deliver()

    assert len(service.requests) == 1
    assert PushDevice.objects.get().end_reason == "gone"
    assert states() == ["failed"]


def waits() -> float:
    """Return in how many seconds the last queued job is due."""
    (row,) = select(
        "SELECT scheduled_at - now() AS wait FROM procrastinate_jobs"
        " WHERE task_name = %(name)s ORDER BY id DESC LIMIT 1",
        name=tasks.push_notification.name,
    )
    return float(row["wait"].total_seconds())


def test_a_service_that_asks_for_time_gets_it(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    service.says("429 Too Many Requests", Retry_After="120")
    tell(user)

    deliver()

    assert (states(), 100 < waits() <= 121) == (["waiting"], True)
    deliver()
    assert (len(service.requests), states()) == (2, ["sent"])


def test_failures_are_further_and_further_apart_and_end(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    for _ in range(20):
        service.says("503 Service Unavailable")
    tell(user)
    (first,) = queued(tasks.push_notification.name)
    delays = []
    for _ in range(sending.ATTEMPTS - 1):
        tasks.push_notification(**first)
        delays.append(round(waits(), -1 if waits() > 30 else 0))
    tasks.push_notification(**first)
    tasks.push_notification(**first)

    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (5, 640)
    assert (len(service.requests), states()) == (sending.ATTEMPTS, ["failed"])
    assert PushDevice.objects.get().ended_at is None


def test_a_service_that_is_away_is_tried_again(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    service.answers.append(b"nonsense\r\n")
    tell(user)

    deliver()
    assert states() == ["waiting"]
    deliver()

    assert states() == ["sent"]


def test_a_refusal_is_not_repeated_and_ends_no_device(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    service.says("403 Forbidden", b"wrong key")
    tell(user)

    deliver()
    deliver()

    assert (len(service.requests), states()) == (1, ["failed"])
    assert PushDevice.objects.get().ended_at is None


def test_a_device_whose_address_leads_inside_by_now_is_ended(
    api: ApiClient, user: User, service: Recorder, settings: Any
) -> None:
    subscribe(api, service)
    settings.OUTBOUND_ALLOW = []
    tell(user)

    deliver()

    assert (service.connections, PushDevice.objects.get().end_reason) == (0, "gone")


def test_a_worker_that_dies_repeats_a_push_once(  # NTF 16
    api: ApiClient, user: User, service: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(api, service)
    tell(user)
    post = client.post

    def post_and_die(*args: Any, **options: Any) -> Any:
        post(*args, **options)
        raise SystemExit

    monkeypatch.setattr(client, "post", post_and_die)
    for _ in range(2):
        with pytest.raises(SystemExit):
            deliver()
    deliver()

    assert len(service.requests) == 2


def test_what_grows_while_it_is_sent_goes_out_anew(
    api: ApiClient, user: User, service: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = subscribe(api, service)
    tell(user, "One", group_key="g")
    post = client.post

    def post_and_grow(*args: Any, **options: Any) -> Any:
        answer = post(*args, **options)
        monkeypatch.setattr(client, "post", post)
        tell(user, "Two", group_key="g")
        return answer

    monkeypatch.setattr(client, "post", post_and_grow)
    deliver()
    assert states() == ["waiting"]

    deliver()

    assert [browser.read(r)["title"] for r in service.requests] == ["One", "Two"]
    assert states() == ["sent"]
