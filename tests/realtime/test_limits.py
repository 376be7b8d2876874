"""What one client, and one user, may use of us. RT 21 but where another line is named."""

import asyncio
from contextlib import ExitStack, suppress
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from redis import Redis
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from core.embedded.valkey import Valkey
from realtime import leases
from tests.conftest import make_user
from tests.core.conftest import private_valkey as private_valkey
from tests.devices import at_once
from tests.realtime.conftest import Eventually
from tests.servers import Server, running
from tests.sockets import Socket, access, signed_in, socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def held(user: User) -> int:
    with Redis.from_url(settings.REDIS_URL) as store:
        return int(store.zcard(leases.key_of(user.pk)))


def a_minute_passes(user: User) -> None:
    """Let the leases of a user be as old as they would be in a minute."""
    with Redis.from_url(settings.REDIS_URL) as store:
        key = leases.key_of(user.pk)
        for connection in store.zrange(key, 0, -1):
            store.zincrby(key, -60_000, connection)


def open_sockets(stack: ExitStack, server: Server, token: str, count: int) -> list[Socket]:
    return [stack.enter_context(signed_in(server, token)) for _ in range(count)]


def refused_with(server: Server, token: str) -> int:
    with socket(server, "tenantry.v1", f"bearer.{token}") as one_more:
        return one_more.close_code()


def test_a_user_has_twenty_connections_over_all_processes(
    servers: tuple[Server, Server], uma: User, eventually: Eventually
) -> None:
    token = access(uma)

    with ExitStack() as stack:
        first = open_sockets(stack, servers[0], token, 11)[0]
        open_sockets(stack, servers[1], token, 9)

        assert [refused_with(server, token) for server in servers] == [4429, 4429]
        with signed_in(servers[0], access(make_user("sam@example.com"))):
            pass  # the limit is each user's own
        first.connection.close()
        eventually(lambda: held(uma) == 19)
        open_sockets(stack, servers[1], token, 1)
        assert refused_with(servers[0], token) == 4429

    eventually(lambda: held(uma) == 0)


def test_of_forty_at_once_twenty_get_in(servers: tuple[Server, Server], uma: User) -> None:
    token = access(uma)

    with ExitStack() as stack:

        def enter(number: int) -> Socket:
            opened = socket(servers[number % 2], "tenantry.v1", f"bearer.{token}")
            return stack.enter_context(opened)

        heard = at_once(40, lambda number: outcome(enter(number)))

    assert sorted(heard) == [0] * 20 + [4429] * 20


def outcome(here: Socket) -> int:
    try:
        return 0 if here.hear()["type"] == "welcome" else -1
    except ConnectionClosed:
        return here.close_code()


def test_what_a_killed_process_held_falls_to_zero_by_itself(
    servers: tuple[Server, Server], uma: User, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = access(uma)

    with (
        running(tmp_path_factory.mktemp("logs") / "third") as third,
        ExitStack() as stack,
    ):
        open_sockets(stack, third, token, 20)
        third.process.kill()
        third.process.wait()

        assert refused_with(servers[0], token) == 4429
        with Redis.from_url(settings.REDIS_URL) as store:
            assert 0 < store.pttl(leases.key_of(uma.pk)) <= 60_000
        a_minute_passes(uma)
        with signed_in(servers[0], token):
            assert held(uma) == 1


def test_who_is_in_stays_counted_when_the_store_is_emptied(
    servers: tuple[Server, Server], uma: User
) -> None:
    token = access(uma)

    with ExitStack() as stack:
        open_sockets(stack, servers[0], token, 20)
        with Redis.from_url(settings.REDIS_URL) as store:
            store.flushdb()
        call_command("ws_stats")  # each process renews before it answers, as it does by itself
        assert held(uma) == 20
        assert refused_with(servers[1], token) == 4429


def test_renewing_takes_no_notice_of_the_limit_and_one_round_trip_for_many() -> None:
    uma, many = uuid4(), [(uuid4(), str(number)) for number in range(2_500)]
    leases.renew([(uma, str(number)) for number in range(25)])

    assert not asyncio.run(leases.take((uma, "one more"), held_here=1))
    assert asyncio.run(leases.take((uma, "7"), held_here=99))  # held already
    with Redis.from_url(settings.REDIS_URL) as store:
        before = store.info("commandstats")
        leases.renew(many)
        after = store.info("commandstats")
    assert _scripts(after) - _scripts(before) == 3


def _scripts(stats: object) -> int:
    assert isinstance(stats, dict)
    return int(stats["cmdstat_evalsha"]["calls"])


def test_without_the_store_each_process_counts_its_own(
    private_valkey: Valkey,
) -> None:
    private_valkey.stop()
    lease = (uuid4(), "mine")

    assert asyncio.run(leases.take(lease, held_here=20))
    assert not asyncio.run(leases.take(lease, held_here=21))
    asyncio.run(leases.give_back(lease))


def test_a_frame_over_64_kib_closes(servers: tuple[Server, Server], uma: User) -> None:
    with signed_in(servers[0], access(uma)) as here:
        frame = '{"type":"ping","ref":1,"padding":"%s"}'
        fits = 64 * 1024 - len(frame % "")
        here.connection.send(frame % ("x" * fits))
        assert here.hear() == {"type": "pong", "ref": 1}
        here.connection.send(frame % ("x" * (fits + 1)))
        assert here.close_code() == 1009


def test_twenty_messages_a_second_for_five_seconds_and_no_more(
    servers: tuple[Server, Server], uma: User
) -> None:
    with signed_in(servers[0], access(uma)) as here:
        for number in range(100):
            here.say("ping", ref=number)
        assert [here.hear()["ref"] for _ in range(100)] == list(range(100))
        with suppress(ConnectionClosed):
            for number in range(200):
                here.say("ping", ref=number)
        assert here.close_code() == 4429


def test_a_connection_joins_a_hundred_channels(rooms: Server, uma: User) -> None:
    with signed_in(rooms, access(uma)) as here:  # `user` is the first
        answers = [here.ask("subscribe", channel=f"room:{number}") for number in range(100)]

    assert {answer["type"] for answer in answers[:99]} == {"ack"}
    assert answers[99]["code"] == "too_many_channels"


def test_more_than_twenty_refused_subscriptions_close(  # RT 7
    servers: tuple[Server, Server], uma: User
) -> None:
    with signed_in(servers[0], access(uma)) as here:
        answers = [here.ask("subscribe", channel="weather") for _ in range(20)]
        assert {answer["code"] for answer in answers} == {"forbidden"}
        here.say("subscribe", channel="weather", ref=21)
        assert here.hear()["ref"] == 21
        assert here.close_code() == 4429
