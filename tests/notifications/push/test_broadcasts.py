"""Pushes of what is told to many."""

import pytest
from django.utils import timezone

from accounts.models import User
from notifications import tasks
from notifications.messages import Message
from notifications.models import PushDelivery
from notifications.push import broadcasts
from notifications.services import broadcasting
from organizations.models import Organization
from tests.client import ApiClient
from tests.mails import queued
from tests.notifications.push.browsers import (
    deliver,
    subscribe,
)
from tests.recorder import Recorder


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
