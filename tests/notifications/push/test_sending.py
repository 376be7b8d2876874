"""What a push service gets, and when it gets nothing."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.models import User, UserSession
from notifications import tasks
from notifications.models import Notification, PushDevice
from notifications.services import preferences, reading
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
