"""The count is the number of unread rows after any sequence, and events lead from one snapshot to
the next."""  # NTF 4

import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from core.api.serializers import rfc3339
from notifications import prunes
from notifications.messages import Message
from notifications.models import Broadcast, Notification
from notifications.services import broadcasting, reading, sending
from notifications.services.reading import Wanted
from organizations.models import Organization
from organizations.services import members
from realtime.models import StreamMessage
from tests.client import ApiClient
from tests.notifications.told import COUNT, PATH
from tests.tenants import found, join, person, signed_in

STEPS = int(os.environ.get("WALK_STEPS", "40"))
"""Of each walk; a longer one finds more, and a failure names its seed."""
KINDS = ["build.finished", "build.failed", "task.assigned"]


class Walk:
    """Random steps of one member of two organizations, in which things happen."""

    def __init__(self, seed: int, member: User, places: list[Organization], other: User) -> None:
        self.random = random.Random(seed)
        self.member, self.places, self.other = member, places, other
        self.client = signed_in(member)
        self.steps: list[Callable[[], None]] = [
            *[self.create] * 6, *[self.read] * 3, self.unread, self.archive, self.unarchive,
            self.delete, self.bulk, self.read_all, self.read_some, self.broadcast,
            self.edit, self.recall, self.leave, self.come_back, self.expire, self.snooze,
            self.wake, self.group, self.ungroup, self.world,
        ]  # fmt: skip

    def step(self) -> None:
        self.random.choice(self.steps)()

    @property
    def now(self) -> datetime:
        return timezone.now()

    def some(self) -> Notification | None:
        mine = list(Notification.objects.reached_by(self.member.pk).order_by("pk"))
        return self.random.choice(mine) if mine else None

    def message(self, kind: str | None = None, **fields: Any) -> Message:
        place = self.random.choice([None, *self.places])
        return Message(
            kind or self.random.choice(KINDS),
            title=f"No. {self.random.randrange(1000)}",
            type=self.random.choice(["info", "error"]),
            organization_id=place.pk if place else None,
            **fields,
        )

    def create(self) -> None:
        key = self.random.choice(["", f"k{self.random.randrange(20)}"])
        message = self.message(dedupe_key=key)
        sending.notify(message, user_ids=[self.member.pk, self.other.pk], now=self.now)

    def change(self, **wanted: Any) -> None:
        row = self.some()
        if row is not None:
            one = {"user_id": self.member.pk, "notification_id": row.pk}
            reading.change(**one, wanted=Wanted(**wanted), now=self.now)

    def read(self) -> None:
        self.change(is_read=True)

    def unread(self) -> None:
        self.change(is_read=False)

    def archive(self) -> None:
        self.change(is_archived=True)

    def unarchive(self) -> None:
        self.change(is_archived=False)

    def snooze(self) -> None:
        self.change(snoozes=True, snoozed_until=self.now + timedelta(hours=1))

    def wake(self) -> None:
        reading.wake(user_id=self.member.pk, now=self.now + timedelta(hours=2))

    def delete(self) -> None:
        row = self.some()
        if row is not None:
            reading.remove(user_id=self.member.pk, notification_id=row.pk, now=self.now)

    def bulk(self) -> None:
        rows = [row for _ in range(4) if (row := self.some()) is not None]
        action = self.random.choice(sorted(reading.ACTIONS))
        ids = [row.pk for row in rows]
        reading.act(user_id=self.member.pk, ids=ids, action=action, now=self.now)

    def read_all(self) -> None:
        if self.random.random() < 0.3:
            self.client.send("POST", f"{PATH}/read-all", {"type": "error"})

    def read_some(self) -> None:
        self.client.send("POST", f"{PATH}/read-all", {"kind": self.random.choice(KINDS)})

    def broadcast(self) -> None:
        broadcasting.broadcast(self.message("message"), now=self.now)

    def world(self) -> None:
        broadcasting.broadcast(Message("announcement", title="World"), now=self.now)

    def sent(self) -> Broadcast | None:
        rows = list(Broadcast.objects.order_by("pk"))
        return self.random.choice(rows) if rows else None

    def edit(self) -> None:
        sent = self.sent()
        if sent is not None:
            broadcasting.edit(
                broadcast_id=sent.pk, actor_id=None, now=self.now, title=f"E{self.random.random()}"
            )

    def recall(self) -> None:
        sent = self.sent()
        if sent is not None and self.random.random() < 0.3:
            broadcasting.recall(broadcast_id=sent.pk, actor_id=None, now=self.now)

    def leave(self) -> None:
        place = self.random.choice(self.places)
        if self.belongs(place):
            members.leave(organization_id=place.pk, user_id=self.member.pk, now=self.now)

    def come_back(self) -> None:
        place = self.random.choice(self.places)
        if not self.belongs(place):
            join(place, self.member, "member")

    def belongs(self, place: Organization) -> bool:
        from organizations.models import Membership

        here = Membership.objects.for_organization(place.pk).of(self.member.pk)
        return here.active().exists()

    def expire(self) -> None:
        row = self.some()
        if row is not None:
            long_ago = self.now - timedelta(days=500)
            Notification.objects.filter(pk=row.pk).update(created_at=long_ago)
            prunes.prune_notifications(self.now, False)

    def group(self) -> None:
        key = f"e{self.random.randrange(10)}"
        message = self.message("post.liked", dedupe_key=key, group_key="likes")
        sending.notify(message, user_ids=[self.member.pk], now=self.now)

    def ungroup(self) -> None:
        from notifications.services import grouping

        key = f"e{self.random.randrange(10)}"
        grouping.withdraw(
            group_key="likes", dedupe_key=key, user_ids=[self.member.pk], now=self.now
        )


@pytest.fixture
def walk(request: pytest.FixtureRequest, user: User, stranger: User, settings: Settings) -> Walk:
    settings.RATE_LIMITS, settings.ACCESS_LIFETIME = {}, timedelta(days=1)
    places = [found("Acme", user), found("Globex", stranger)]
    member = person(places[0], "member")
    join(places[1], member, "member")
    return Walk(request.param, member, places, user)


def listed(client: ApiClient, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.read(f"{PATH}?page_size=100&cursor={cursor}{query}")
        items, cursor = items + page["items"], page["next_cursor"]
    return items


def check_counts(walk: Walk) -> None:
    items = listed(walk.client)
    assert items == listed(walk.client, "&is_archived=false")  # read in another way
    page = walk.client.read(f"{PATH}?page=2&page_size=7")
    assert (page["items"], page["total"]) == (items[7:14], len(items))
    unread = [item for item in items if not item["is_read"]]
    assert walk.client.read(COUNT)["count"] == len(unread)
    assert walk.client.read(f"{PATH}?is_read=false")["total"] == len(unread)
    for place in walk.places:
        here = [item for item in unread if item["organization"] == str(place.pk)]
        assert walk.client.read(f"{COUNT}?organization={place.pk}")["count"] == len(here)


@pytest.mark.parametrize("walk", range(4), indirect=True)
def test_the_count_is_right_after_any_sequence(walk: Walk) -> None:
    last = walk.client.read(COUNT)
    for _ in range(STEPS):
        walk.step()
        check_counts(walk)
        now = walk.client.read(COUNT)
        assert now["version"] >= last["version"]
        assert now["count"] == last["count"] or now["version"] > last["version"]
        last = now


class Screen:
    """What a client shows that loaded a snapshot and heard events since, as the docs tell it to."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.load()

    def load(self) -> None:
        self.rows = {item["id"]: item for item in listed(self.client)}
        self.take_count(self.client.read(COUNT))

    def take_count(self, found: dict[str, int]) -> None:
        self.count, self.version = found["count"], found["version"]

    def hear(self, event: str, data: dict[str, Any]) -> None:
        if event == "notification.created":
            self.rows[data["notification"]["id"]] = data["notification"]
        elif data["change"] in {"reset", "updated", "unarchived", "snoozed"}:
            self.load()
            return
        else:
            for pk in data["ids"]:
                self.change(pk, data["change"], data["at"])
        if data["version"] >= self.version:
            self.take_count({"count": data["unread_count"], "version": data["version"]})

    def change(self, pk: str, change: str, at: str) -> None:
        row = self.rows.get(pk)
        if row is None:
            return
        if change in {"archived", "deleted"}:
            del self.rows[pk]
        elif change == "unread":
            row.update(is_read=False, read_at=None)
        elif change == "seen":
            row["seen_at"] = row["seen_at"] or at
        elif change == "read":
            row["seen_at"] = row["seen_at"] or at
            row.update(is_read=True, read_at=row["read_at"] or at)

    def shown(self) -> list[dict[str, Any]]:
        return sorted(
            self.rows.values(), key=lambda row: (row["created_at"], row["id"]), reverse=True
        )


@pytest.mark.parametrize("walk", range(4, 7), indirect=True)
def test_a_snapshot_and_its_events_are_the_next_snapshot(walk: Walk) -> None:
    """Without expiry, of which nobody is told: what is that old goes from the next list."""
    walk.steps = [step for step in walk.steps if step != walk.expire]
    screen = Screen(walk.client)
    own = StreamMessage.objects.filter(stream=f"user:{walk.member.pk}")
    heard = own.filter(event__in=["notification.created", "inbox.changed"])
    known = set(heard.values_list("pk", flat=True))

    for _ in range(STEPS):
        walk.step()
        walk.client.read(COUNT)  # as a client does that hears of a broadcast
        new = [m for m in heard.order_by("at", "pk") if m.pk not in known]
        known |= {m.pk for m in new}
        for message in new:
            screen.hear(message.event, message.data)

        assert screen.shown() == listed(walk.client)
        assert screen.count == walk.client.read(COUNT)["count"]


def test_moments_in_events_are_as_in_lists(user: User, api: ApiClient) -> None:
    now = timezone.now()
    (pk,) = sending.notify(Message("a.b", title="x"), user_ids=[user.pk], now=now)

    wanted = Wanted(is_read=True)
    reading.change(user_id=user.pk, notification_id=pk, wanted=wanted, now=now)

    changed = StreamMessage.objects.filter(event="inbox.changed").get()
    assert changed.data["at"] == rfc3339(now) == api.read(f"{PATH}/{pk}")["read_at"]
