"""What goes when it has served its time; and what goes with an organization."""  # NTF 25

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from core import pruning
from notifications import kinds, prunes
from notifications.kinds import Kind
from notifications.messages import Message
from notifications.models import Broadcast, GroupEntry, Inbox, Notification
from notifications.services import broadcasting
from organizations.models import Organization
from organizations.services import purge
from tests.client import ApiClient
from tests.notifications.told import COUNT, PATH, patch, tell, titles

NOW = timezone.now()


def aged(
    user: User, title: str, *, created: int, read: int | None = None, kind: str = "a.b"
) -> None:
    row = tell(user, title, kind=kind)
    moment = None if read is None else NOW - timedelta(days=read)
    Notification.objects.filter(pk=row.pk).update(
        created_at=NOW - timedelta(days=created), read_at=moment, seen_at=moment
    )


def test_read_ones_go_before_unread_ones(api: ApiClient, user: User) -> None:
    aged(user, "read long ago", created=300, read=91)
    aged(user, "read lately", created=300, read=89)
    aged(user, "unread for long", created=366)
    aged(user, "unread", created=364)
    before = api.read(COUNT)

    assert prunes.prune_notifications(NOW, True) == 2
    assert prunes.prune_notifications(NOW, False) == 2

    assert titles(api) == ["read lately", "unread"]
    after = api.read(COUNT)
    assert (after["count"], after["version"] > before["version"]) == (before["count"] - 1, True)
    assert prunes.prune_notifications(NOW, False) == 0


def test_a_kind_may_be_kept_longer_or_shorter(
    api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    kinds.register(Kind("bill.paid", "x", read_days=1000, unread_days=1000))
    kinds.register(Kind("coffee.ready", "x", read_days=1, unread_days=1))
    aged(user, "bill", created=999, read=999, kind="bill.paid")
    aged(user, "coffee", created=2, kind="coffee.ready")

    prunes.prune_notifications(NOW, False)

    assert titles(api) == ["bill"]


def test_what_is_left_of_deleted_ones_goes(api: ApiClient, user: User) -> None:
    row = tell(user)
    api.send("DELETE", f"{PATH}/{row.pk}")

    assert prunes.prune_remains(NOW + timedelta(days=29), False) == 0
    assert prunes.prune_remains(NOW + timedelta(days=31), False) == 1
    assert not Notification.objects.exists()


def test_old_broadcasts_go(user: User) -> None:
    sent = broadcasting.broadcast(Message("announcement", title="x"), now=NOW)
    Broadcast.objects.filter(pk=sent.pk).update(created_at=NOW - timedelta(days=401))

    assert prunes.prune_broadcasts(NOW, False) == 1


def test_they_are_pruned_every_day() -> None:
    named = {"notifications", "remains of notifications", "broadcasts", "digests"}

    assert named <= pruning._prunes.keys()


def test_all_of_an_organization_goes_with_it(user: User, acme: Organization) -> None:  # ORG 18
    tell(user, organization_id=acme.pk, kind="post.liked", group_key="g")
    tell(user, "Of nobody")
    message = Message("message", title="x", organization_id=acme.pk)
    broadcasting.broadcast(message, now=NOW)
    purge.end_grace(organization_id=acme.pk, now=NOW)

    assert purge.purge(organization_id=acme.pk, now=timezone.now())

    assert [row.title for row in Notification.objects.all()] == ["Of nobody"]
    assert not Broadcast.objects.exists()
    assert not GroupEntry.objects.exists()


def test_reading_is_no_reason_to_go(api: ApiClient, user: User) -> None:
    patch(api, tell(user), is_read=True)

    prunes.prune_notifications(NOW + timedelta(days=89), False)

    assert titles(api) == ["Hello"]
    assert Inbox.objects.get(user=user).version > 0
