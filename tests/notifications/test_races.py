"""What happens at the same moment, on real connections."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from notifications.messages import Message
from notifications.models import Broadcast, Inbox, Notification
from notifications.services import broadcasting, reading, sending
from notifications.services.reading import Wanted
from organizations.models import Organization
from organizations.services import members
from realtime.models import StreamMessage
from tests.client import ApiClient
from tests.notifications.told import COUNT, PATH, tell, tell_all
from tests.tenants import person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all of them at the same moment; return what each returned."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result() for each in [pool.submit(run, work) for work in works]]


def count(client: ApiClient) -> int:
    return int(client.read(COUNT)["count"])


def said(user: User, event: str) -> int:
    return StreamMessage.objects.filter(stream=f"user:{user.pk}", event=event).count()


def test_the_same_told_at_once_is_one_row(user: User) -> None:  # NTF 1
    for number in range(ROUNDS):
        key = f"build {number}"
        made = at_once(*[partial(tell_all, [user], dedupe_key=key)] * 4)
        assert sorted(map(len, made)) == [0, 0, 0, 1]

    assert Notification.objects.count() == ROUNDS
    assert said(user, "notification.created") == ROUNDS


def test_a_group_counts_what_comes_at_once(user: User) -> None:
    def add(key: str) -> tuple[Any, ...]:
        message = Message("a.b", title="x", group_key="g", dedupe_key=key)
        return sending.notify(message, user_ids=[user.pk], now=timezone.now())

    at_once(*[partial(add, key) for key in "abcdabcd"])

    assert [row.group_count for row in Notification.objects.all()] == [4]


def test_what_arrives_while_all_is_read_stays_unread(user: User) -> None:  # NTF 6
    client = signed_in(user)
    for number in range(ROUNDS):
        tell(user, "before", kind=f"k{number}")
        answer, _ = at_once(
            lambda: orjson.loads(client.send("POST", f"{PATH}/read-all").content)["updated"],
            partial(tell, user, "during", kind=f"k{number}"),
        )
        unread = client.read(f"{PATH}?is_read=false")["total"]
        assert client.read(COUNT)["count"] == unread
        assert answer in {1, 2}
        client.send("POST", f"{PATH}/read-all")


def test_all_read_before_a_moment_never_reads_what_came_after(user: User) -> None:  # NTF 6
    client = signed_in(user)
    seen = tell(user, "before")

    at_once(
        lambda: client.send("POST", f"{PATH}/read-all", {"before": str(seen.pk)}),
        *[partial(tell, user, "during", kind=f"k{n}") for n in range(3)],
    )

    assert client.read(COUNT)["count"] == 3


def test_two_tabs_end_with_the_count_of_the_last_version(user: User) -> None:  # NTF 8
    rows = [tell(user, str(n), kind=f"k{n}") for n in range(6)]

    def read(row: Notification) -> None:
        wanted = Wanted(is_read=True)
        reading.change(user_id=user.pk, notification_id=row.pk, wanted=wanted, now=timezone.now())

    at_once(*[partial(read, row) for row in rows])

    changed = StreamMessage.objects.filter(event="inbox.changed")
    told = sorted((m.data["version"], m.data["unread_count"]) for m in changed)
    assert [count for _, count in told] == [5, 4, 3, 2, 1, 0]
    assert len({version for version, _ in told}) == 6
    assert signed_in(user).read(COUNT) == {"count": 0, "version": told[-1][0]}


def test_two_looks_at_once_give_one_row_each(user: User, acme: Organization) -> None:
    clients = [signed_in(user) for _ in range(4)]
    for number in range(ROUNDS):
        send(acme, f"News {number}")
        counts = at_once(*[partial(count, client) for client in clients])
        assert len(set(counts)) == 1

    assert Notification.objects.filter(kind="message").count() == ROUNDS


def send(organization: Organization | None, title: str = "News") -> Broadcast:
    place = organization.pk if organization else None
    message = Message("message", title=title, organization_id=place)
    return broadcasting.broadcast(message, now=timezone.now())


def test_a_broadcast_committed_late_is_not_missed(user: User, acme: Organization) -> None:
    """One that begins first and commits last would have a lower number than what was delivered."""
    client = signed_in(user)

    def slow() -> None:
        with transaction.atomic():
            send(acme, "slow")
            time.sleep(0.2)  # a transaction that goes on with other things

    at_once(slow, lambda: send(acme, "quick"), lambda: client.read(COUNT))

    titles = {item["title"] for item in client.read(PATH)["items"]}
    assert titles >= {"slow", "quick"}


def test_a_broadcast_and_a_leave_at_once(acme: Organization) -> None:
    for number in range(ROUNDS):
        member = person(acme, "member", email=f"m{number}@example.com")
        client = signed_in(member)
        place = {"organization_id": acme.pk, "user_id": member.pk}
        at_once(
            lambda: send(acme),
            partial(members.leave, now=timezone.now(), **place),
            partial(count, client),
        )
        assert client.read(PATH)["items"] == []
        assert client.read(COUNT)["count"] == 0


def test_an_edit_and_a_look_at_once(user: User, acme: Organization) -> None:
    client = signed_in(user)
    for _ in range(ROUNDS):
        sent = send(acme, "first")
        at_once(
            partial(
                broadcasting.edit,
                broadcast_id=sent.pk,
                actor_id=None,
                now=timezone.now(),
                title="second",
            ),
            lambda: client.read(COUNT),
        )
        assert client.read(PATH)["items"][0]["title"] == "second"


def test_a_recall_and_a_look_at_once(user: User, acme: Organization) -> None:
    client = signed_in(user)
    for _ in range(ROUNDS):
        sent = send(acme, "mistake")
        at_once(
            partial(broadcasting.recall, broadcast_id=sent.pk, actor_id=None, now=timezone.now()),
            lambda: client.read(COUNT),
        )
        assert "mistake" not in [item["title"] for item in client.read(PATH)["items"]]


def test_people_who_are_told_in_any_order_block_nobody(user: User, stranger: User) -> None:
    def both(users: list[User], kind: str) -> tuple[Any, ...]:
        return tell_all(users, kind=kind)

    for number in range(ROUNDS):
        at_once(
            partial(both, [user, stranger], f"a{number}"),
            partial(both, [stranger, user], f"b{number}"),
        )

    assert Notification.objects.count() == 4 * ROUNDS
    assert [inbox.version for inbox in Inbox.objects.all()] == [2 * ROUNDS] * 2


def test_nothing_is_said_of_a_rollback(user: User) -> None:  # NTF 2
    with transaction.atomic():
        tell(user)
        transaction.set_rollback(True)

    assert not StreamMessage.objects.exists()
