"""What a push service gets, and when it gets nothing."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.models import User, UserSession
from core.jobs.rows import select
from core.outbound import client
from notifications import tasks
from notifications.messages import Message
from notifications.models import Notification, PushDelivery, PushDevice
from notifications.push import broadcasts, sending
from notifications.services import broadcasting, preferences, reading
from notifications.services.preferences import Choice, Rhythm
from organizations.models import Organization
from organizations.services import members
from tests.client import ApiClient
from tests.conftest import make_user
from tests.mails import queued
from tests.notifications.push.browsers import (
    DEVICES,
    deliver,
    states,
    subscribe,
    vapid_claims,
)
from tests.notifications.told import PATH, patch, tell, tell_all
from tests.recorder import Recorder
from tests.tenants import person, signed_in


def test_a_push_says_what_the_app_says(api: ApiClient, user: User, service: Recorder) -> None:
    browser = subscribe(api, service)
    action = {"label": "See the log", "url": "/builds/7"}
    row = tell(user, "Build 7 is done", body="In 4 minutes", actions=[action])

    deliver()

    (request,) = service.requests
    assert request.head == "POST /push/a HTTP/1.1"
    assert request.headers["ttl"] == "86400"
    assert request.headers["urgency"] == "normal"
    assert "topic" not in request.headers
    assert browser.read(request) == {
        "id": str(row.pk),
        "title": "Build 7 is done",
        "body": "In 4 minutes",
        "url": "/builds/7",
        "type": "info",
        "unread_count": 1,
    }
    assert states() == ["sent"]
    assert PushDevice.objects.get().last_used_at is not None


def test_every_message_is_signed_for_its_service(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    tell(user)

    deliver()

    claims = vapid_claims(service.requests[0], service.base)
    left = claims["exp"] - timezone.now().timestamp()
    assert 10 * 3600 < left <= 12 * 3600
    assert claims["sub"].startswith(("mailto:", "https://"))


def test_every_device_of_a_person_gets_it_once(
    api: ApiClient, user: User, stranger: User, service: Recorder
) -> None:
    subscribe(api, service)
    subscribe(api, service, "b")
    other = ApiClient()
    other.sign_in(stranger)
    subscribe(other, service, "of-the-stranger")
    tell(user)

    deliver()
    deliver()

    assert {r.head for r in service.requests} == {
        "POST /push/a HTTP/1.1",
        "POST /push/b HTTP/1.1",
    }
    assert len(service.requests) == 2


def test_a_rollback_pushes_nothing(api: ApiClient, user: User, service: Recorder) -> None:  # NTF 2
    subscribe(api, service)
    mark = transaction.savepoint()
    tell(user)
    assert len(queued(tasks.push_notification.name)) == 1
    transaction.savepoint_rollback(mark)

    assert queued(tasks.push_notification.name) == []
    assert states() == []


def test_the_same_told_twice_is_pushed_once(  # NTF 1
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    tell(user, dedupe_key="k")
    assert tell_all([user], dedupe_key="k") == ()

    deliver()

    assert len(service.requests) == 1


def read(api: ApiClient, user: User, row: Notification) -> None:
    patch(api, row, is_read=True)


def archived(api: ApiClient, user: User, row: Notification) -> None:
    patch(api, row, is_archived=True)


def snoozed(api: ApiClient, user: User, row: Notification) -> None:
    later = timezone.now() + timedelta(hours=1)
    patch(api, row, snoozed_until=later.isoformat())


def deleted(api: ApiClient, user: User, row: Notification) -> None:
    api.send("DELETE", f"{PATH}/{row.pk}")


def muted(api: ApiClient, user: User, row: Notification) -> None:
    off = [Choice(row.kind, "push", enabled=False)]
    preferences.replace(user_id=user.pk, choices=off, rhythm=None, now=timezone.now())


def deactivated(api: ApiClient, user: User, row: Notification) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def signed_out(api: ApiClient, user: User, row: Notification) -> None:
    api.send("POST", "/api/v1/auth/logout")


def ran_out(api: ApiClient, user: User, row: Notification) -> None:
    UserSession.objects.of(user).update(expires_at=timezone.now())


def removed(api: ApiClient, user: User, row: Notification) -> None:
    api.send("DELETE", f"{DEVICES}/{PushDevice.objects.get().pk}")


def given_away(api: ApiClient, user: User, row: Notification) -> None:
    PushDevice.objects.update(user=make_user("another@example.com"))


@pytest.mark.parametrize(
    "happens",
    [
        read, archived, snoozed, deleted, muted, deactivated, signed_out, ran_out, removed,
        given_away,
    ],
)  # fmt: skip
def test_what_happened_meanwhile_wins(  # NTF 14, NTF 26
    api: ApiClient, user: User, service: Recorder, happens: Any
) -> None:
    subscribe(api, service)
    row = tell(user)
    happens(api, user, row)

    deliver()

    assert (service.requests, states()) == ([], ["dropped"])


def test_who_lost_the_organization_is_not_told_of_it(  # NTF 3
    acme: Organization, service: Recorder
) -> None:
    member = person(acme, "member")
    subscribe(signed_in(member), service)
    tell(member, organization_id=acme.pk)
    members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    deliver()

    assert service.requests == []


def test_push_alone_is_pushed_and_not_listed(  # NTF 13
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    off = [Choice("build.finished", "in_app", enabled=False)]
    preferences.replace(user_id=user.pk, choices=off, rhythm=None, now=timezone.now())
    row = tell(user)

    deliver()

    assert (row.is_listed, states()) == (False, ["sent"])


def test_muted_everywhere_is_not_even_queued(  # NTF 13
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    off = [Choice("build.finished", "push", enabled=False)]
    preferences.replace(user_id=user.pk, choices=off, rhythm=None, now=timezone.now())
    tell(user)

    assert states() == []


def quiet(user: User) -> None:
    now = timezone.now()
    hours = ((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
    rhythm = Rhythm("at_once", 8, hours)
    preferences.replace(user_id=user.pk, choices=None, rhythm=rhythm, now=now)


def test_quiet_hours_put_off_a_push(api: ApiClient, user: User, service: Recorder) -> None:
    subscribe(api, service)  # NTF 18
    quiet(user)
    tell(user)

    deliver()

    assert (service.requests, states()) == ([], ["waiting"])
    assert len(queued(tasks.push_notification.name)) == 2
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        deliver()
    assert len(service.requests) == 1


def test_what_is_urgent_passes_quiet_hours(  # NTF 18
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    quiet(user)
    tell(user, "", kind="account.password_changed")

    deliver()

    assert service.requests[0].headers["urgency"] == "high"


def test_a_group_replaces_itself(api: ApiClient, user: User, service: Recorder) -> None:  # NTF 17
    browser = subscribe(api, service)
    row = tell(user, "One like", group_key="likes")
    deliver()
    tell(user, "Two likes", group_key="likes")
    tell(user, "Three likes", group_key="likes")

    deliver()

    assert [browser.read(r)["title"] for r in service.requests] == ["One like", "Three likes"]
    assert {r.headers["topic"] for r in service.requests} == {row.pk.hex}
    assert len(row.pk.hex) <= 32
    assert {browser.read(r)["id"] for r in service.requests} == {str(row.pk)}


def test_what_was_snoozed_is_pushed_once_when_it_wakes(  # NTF 19
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    row = tell(user)
    deliver()
    later = timezone.now() + timedelta(hours=1)
    patch(api, row, snoozed_until=later.isoformat())

    reading.wake(user_id=user.pk, now=later)
    reading.wake(user_id=user.pk, now=later)
    deliver()

    assert len(service.requests) == 2


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


@pytest.mark.parametrize("letter", ["x", "é", "🦊", '"', "\u2028"])
def test_a_long_one_fits_into_a_message(
    api: ApiClient, user: User, service: Recorder, letter: str
) -> None:
    browser = subscribe(api, service)
    url = "/" + "p" * 2000
    tell(user, letter * 200, body=letter * 4000, actions=[{"label": "x", "url": url}])

    deliver()

    shown = browser.read(service.requests[0])
    assert shown["title"] == letter * 200
    assert shown["url"] == url
    assert shown["body"].endswith("…")
    assert len(service.requests[0].body) <= 4096


def test_an_address_that_does_not_fit_becomes_the_list(
    api: ApiClient, user: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    tell(user, "x", body="b", actions=[{"label": "x", "url": "/" + "é" * 2040}])

    deliver()

    assert browser.read(service.requests[0])["url"] == "/console"


def test_it_is_said_in_the_language_of_the_moment(  # NTF 24
    api: ApiClient, user: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    tell(user, "", kind="account.password_changed")
    User.objects.filter(pk=user.pk).update(language="en-GB")

    deliver()

    assert browser.read(service.requests[0])["title"] == "Your password was changed"


def test_a_broadcast_reaches_devices_before_anybody_looks(  # NTF 10
    api: ApiClient, acme: Organization, stranger: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    outside = ApiClient()
    outside.sign_in(stranger)
    subscribe(outside, service, "outside")
    message = Message("message", title="To all of Acme", organization_id=acme.pk)
    made = broadcasting.broadcast(message, now=timezone.now())
    for arguments in queued(tasks.push_broadcast.name):
        tasks.push_broadcast(**arguments)
    broadcasts.push_some(broadcast_id=made.pk, after=None, now=timezone.now())

    deliver()
    broadcasts.push_some(broadcast_id=made.pk, after=None, now=timezone.now())
    deliver()

    (request,) = service.requests
    assert browser.read(request)["title"] == "To all of Acme"


def test_a_recalled_broadcast_is_pushed_to_nobody(
    api: ApiClient, acme: Organization, service: Recorder
) -> None:
    subscribe(api, service)
    message = Message("message", title="Wrong", organization_id=acme.pk)
    made = broadcasting.broadcast(message, now=timezone.now())
    broadcasts.push_some(broadcast_id=made.pk, after=None, now=timezone.now())
    broadcasting.recall(broadcast_id=made.pk, actor_id=None, now=timezone.now())

    deliver()

    assert service.requests == []


def test_a_broadcast_goes_through_all_devices_in_batches(
    api: ApiClient, user: User, stranger: User, service: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "BATCH", 1)
    subscribe(api, service)
    other = ApiClient()
    other.sign_in(stranger)
    subscribe(other, service, "b")
    broadcasting.broadcast(Message("announcement", title="News"), now=timezone.now())

    done = 0
    while done < len(jobs := queued(tasks.push_broadcast.name)):
        tasks.push_broadcast(**jobs[done])
        done += 1
    deliver()

    assert len(service.requests) == 2
    assert PushDelivery.objects.count() == 2
