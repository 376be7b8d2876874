"""Sockets while Redis is away, while a server ends, and what they cost the database."""

import signal
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from accounts.models import User
from core.embedded.valkey import Valkey
from realtime import batches, census, leases
from realtime.services.sending import send
from tests.conftest import make_user
from tests.core.conftest import private_valkey as private_valkey
from tests.realtime.conftest import Eventually
from tests.servers import Server, running
from tests.sockets import access, events, signed_in, socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def test_sockets_outlive_redis_and_without_it_nobody_new_comes_in(  # RT 26
    private_valkey: Valkey,
    uma: User,
    tmp_path_factory: pytest.TempPathFactory,
    eventually: Eventually,
) -> None:
    token, channel = access(uma), f"user:{uma.pk}"
    headers = {"Authorization": f"Bearer {token}"}

    with (
        running(tmp_path_factory.mktemp("logs") / "server", RATE_LIMITS="{}") as server,
        signed_in(server, token) as here,
    ):
        send(channel, "count", 1)
        assert events(here, 1) == [1]
        private_valkey.stop()
        send(channel, "count", 2)
        assert events(here, 1) == [2]  # the look at what was written found it
        with socket(server, "tenantry.v1", f"bearer.{token}") as late:
            assert late.close_code() == 1013
        refused = here.ask("subscribe", channel="system")
        assert (refused["type"], refused["code"]) == ("error", "unavailable")
        assert server.get("/api/v1/users/me", headers=headers).status_code == 200

        private_valkey.start(private_valkey.port)
        send(channel, "count", 3)
        assert events(here, 1) == [3]
        eventually(lambda: here.ask("subscribe", channel="system")["type"] == "ack")
        send("system", "count", 4)
        assert events(here, 1) == [4]
        with signed_in(server, token) as back:
            assert back.ask("ping")["type"] == "pong"


def database_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_sockets_hold_no_database_connections(servers: tuple[Server, Server]) -> None:  # RT 27
    tokens = [access(make_user(f"{number}@example.com")) for number in range(10)]

    with ExitStack() as stack:
        before = database_connections()
        for token in tokens * 20:
            here = stack.enter_context(signed_in(servers[0], token))
            here.ask("subscribe", channel="system")
        assert database_connections() - before <= batches.THREADS


def test_a_server_that_ends_sends_everybody_elsewhere(  # RT 28
    uma: User, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = access(uma)

    with (
        running(tmp_path_factory.mktemp("logs") / "server") as server,
        signed_in(server, token) as here,
        signed_in(server, token) as there,
    ):
        server.process.send_signal(signal.SIGTERM)

        assert (here.close_code(), there.close_code()) == (1012, 1012)
        assert server.process.wait(30) == 0
        with Redis.from_url(settings.REDIS_URL) as store:  # nobody is kept out for a minute
            assert store.zcard(leases.key_of(uma.pk)) == 0
        assert server.process.pid not in {report.pid for report in census.reports()}
