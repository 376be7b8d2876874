"""Who is on a channel: over two server processes, and as a set that changes add up to."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.conf import settings
from django.utils import timezone
from redis import Redis

from accounts.models import User
from organizations.models import Organization
from organizations.services import lifecycle, members
from realtime import delivery, presence, roster
from realtime.hub import Message
from realtime.roster import Attendance
from realtime.switchboard import Switchboard
from tests.conftest import make_user
from tests.servers import Server, running
from tests.sockets import Socket, access, signed_in
from tests.tenants import custom_role, found, person

SHORT: Any = {"RATE_LIMITS": "{}", "PRESENCE_LINGER_S": "2"}


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    logs = tmp_path_factory.mktemp("logs")
    with running(logs / "here", **SHORT) as here, running(logs / "there", **SHORT) as there:
        yield here, there


class Watch:
    """Applies what a watcher is told, as a client would."""

    def __init__(self, socket: Socket, channel: str) -> None:
        self.socket, self.channel = socket, channel
        assert socket.ask("subscribe", channel=channel)["type"] == "ack"
        answer = socket.ask("presence", channel=channel)
        assert answer == {"type": "ack", "ref": "question", "channel": channel}
        self.people: set[str] = set()
        self.changes = 0
        self.hear()

    def hear(self) -> None:
        frame = self.socket.hear_until("presence")[-1]
        assert frame["channel"] == self.channel
        assert not self.people & set(frame["joined"])
        assert self.people >= set(frame["left"])
        self.people = (self.people | set(frame["joined"])) - set(frame["left"])
        self.changes += 1
        assert len(self.people) == frame["count"]

    def sees(self, *users: User) -> None:
        """Wait until exactly these are there."""
        while self.people != {str(user.pk) for user in users}:
            self.hear()


@pytest.fixture
def olga(transactional_db: None) -> User:
    return make_user("olga@example.com")


@pytest.fixture
def acme(olga: User) -> Organization:
    return found("Acme", olga)


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_two_tabs_are_one_user_who_leaves_after_the_last(  # RT 24
    servers: tuple[Server, Server], olga: User, acme: Organization
) -> None:
    sam, token = person(acme, "member"), access(olga)
    channel = f"organization:{acme.pk}"

    with signed_in(servers[0], token) as here:
        watch = Watch(here, channel)
        watch.sees(olga)
        with signed_in(servers[1], access(sam)) as first:
            first.ask("subscribe", channel=channel)
            watch.sees(olga, sam)
            with signed_in(servers[0], access(sam)) as second:
                second.ask("subscribe", channel=channel)
        # The second tab closed, the first is loaded anew in the other process: no flicker.
        with signed_in(servers[0], access(sam)) as reloaded:
            reloaded.ask("subscribe", channel=channel)
            lingering = presence_of(reloaded, channel)
            assert lingering == {str(olga.pk), str(sam.pk)}
        assert watch.changes == 2
        watch.sees(olga)
        assert watch.changes == 3


def presence_of(socket: Socket, channel: str) -> set[str]:
    socket.ask("presence", channel=channel)
    return set(socket.hear_until("presence")[-1]["joined"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_the_users_of_a_killed_process_are_gone(  # RT 24
    servers: tuple[Server, Server], olga: User, acme: Organization, tmp_path_factory: Any
) -> None:
    sam, channel = person(acme, "member"), f"organization:{acme.pk}"

    with signed_in(servers[0], access(olga)) as here:
        watch = Watch(here, channel)
        with (
            running(tmp_path_factory.mktemp("logs") / "third", **SHORT) as third,
            signed_in(third, access(sam)) as there,
        ):
            there.ask("subscribe", channel=channel)
            watch.sees(olga, sam)
            third.process.kill()
        watch.sees(olga)


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_presence_is_for_those_who_listen_and_may_see_the_others(  # RT 24
    servers: tuple[Server, Server], olga: User, acme: Organization
) -> None:
    custom_role(acme, "bystander")
    bystander, channel = person(acme, "bystander"), f"organization:{acme.pk}"

    with signed_in(servers[0], access(olga)) as here:
        refusals = [here.ask("presence", channel=name) for name in (channel, "user", "nowhere")]
        here.ask("subscribe", channel="system")
        refusals.append(here.ask("presence", channel="system"))
        with signed_in(servers[0], access(bystander)) as there:
            there.ask("subscribe", channel=channel)
            refusals.append(there.ask("presence", channel=channel))
    assert {refusal["code"] for refusal in refusals} == {"forbidden"}
    assert len({refusal["detail"] for refusal in refusals}) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_who_is_suspended_is_gone_at_once_and_who_unsubscribes_later(
    servers: tuple[Server, Server], olga: User, acme: Organization
) -> None:
    sam, channel = person(acme, "member"), f"organization:{acme.pk}"

    with signed_in(servers[0], access(olga)) as here, signed_in(servers[1], access(sam)) as there:
        watch = Watch(here, channel)
        there.ask("subscribe", channel=channel)
        watch.sees(olga, sam)
        members.suspend(
            organization_id=acme.pk, actor_id=olga.pk, user_id=sam.pk, now=timezone.now()
        )
        assert there.hear_until("unsubscribed")[-1]["channel"] == channel
        watch.sees(olga)
        members.reinstate(organization_id=acme.pk, actor_id=olga.pk, user_id=sam.pk)
        there.ask("subscribe", channel=channel)
        watch.sees(olga, sam)
        there.ask("unsubscribe", channel=channel)
        watch.sees(olga)
        lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=timezone.now())
        here.hear_until("unsubscribed")


@pytest.mark.django_db(transaction=True)
@pytest.mark.server
def test_an_emptied_redis_is_filled_again(
    servers: tuple[Server, Server], olga: User, acme: Organization
) -> None:
    sam, channel = person(acme, "member"), f"organization:{acme.pk}"

    with signed_in(servers[0], access(olga)) as here, signed_in(servers[1], access(sam)) as there:
        watch = Watch(here, channel)
        there.ask("subscribe", channel=channel)
        watch.sees(olga, sam)
        with Redis.from_url(settings.REDIS_URL) as client:
            client.flushdb()
        watch.sees(olga)  # the others are looked for where they were written
        watch.sees(olga, sam)


# -- The set and its changes -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_the_list_and_the_changes_are_the_set(  # RT 25
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "MOST_NAMED", 5)
    dice = random.Random(seed)
    everybody = "abcdefgh"
    before = Attendance.of(dice.sample(everybody, dice.randrange(9)))
    shown = set(before.in_full("c").joined)
    for _ in range(50):
        truth = set(dice.sample(everybody, dice.randrange(9)))
        now = Attendance.of(truth)
        change = now.since(before, "c")
        if change is None:
            assert now == before
        elif change.count > 5:
            shown = set()
        else:
            shown = (shown | set(change.joined)) - set(change.left)
        before = now
        assert shown == (truth if len(truth) <= 5 else set())


@dataclass(eq=False)
class Watcher:
    """Stands where a subscription would, and keeps what it is told."""

    stream: str = "organization:1"
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.stream

    def put(self, message: Message) -> None:
        self.heard.append(orjson.loads(message["text"]))


@pytest.fixture
def boards() -> tuple[Switchboard, Switchboard]:
    """Two processes' worth of switchboards, whose seconds we count."""
    return Switchboard(delivery.layer()), Switchboard(delivery.layer())


async def test_a_thousand_who_come_are_told_at_once_and_in_number(  # RT 24
    boards: tuple[Switchboard, Switchboard],
) -> None:
    here, there = (board.presence for board in boards)
    watcher: Any = Watcher()
    here.join(watcher.stream, "me")
    here.watch(watcher)
    await here.tick()
    assert [frame["joined"] for frame in watcher.heard] == [["me"]]

    people = [str(uuid4()) for _ in range(1000)]
    for user_id in people[:400]:
        there.join(watcher.stream, user_id)
    await there.tick()
    here.hinted([watcher.stream])
    await here.tick()
    for user_id in people[400:]:
        there.join(watcher.stream, user_id)
    await there.tick()
    here.hinted([watcher.stream])
    await here.tick()

    few, many = watcher.heard[1:]
    assert (set(few["joined"]), few["left"], few["count"]) == (set(people[:400]), [], 401)
    assert (many["joined"], many["left"], many["count"]) == ([], [], 1001)


async def test_without_redis_nothing_is_told_and_then_everything(
    boards: tuple[Switchboard, Switchboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = boards[0].presence
    watcher: Any = Watcher()
    address = settings.REDIS_URL
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    here.join(watcher.stream, "me")
    here.watch(watcher)
    await here.tick()
    assert watcher.heard == []

    monkeypatch.setattr(settings, "REDIS_URL", address)
    monkeypatch.setattr(here, "_look_from", 0.0)  # the others have had their time
    await here.tick()

    assert [frame["joined"] for frame in watcher.heard] == [["me"]]
    assert presence.LASTS_SECONDS == 30
