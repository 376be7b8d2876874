"""Tickets: what they open, for whom, how often, and where they leave no trace. All of it RT 2."""

import asyncio
from datetime import UTC, datetime
from time import monotonic

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis
from websockets.exceptions import ConnectionClosed

from accounts import jwt
from accounts.models import User
from accounts.services import sessions
from core.embedded.valkey import Valkey
from core.errors import UnauthenticatedError
from realtime import tickets
from realtime.people import Person
from tests.client import ApiClient, problem
from tests.core.conftest import persistent_valkey as persistent_valkey
from tests.core.conftest import private_valkey as private_valkey
from tests.devices import at_once
from tests.servers import Server
from tests.sockets import begin, socket

TICKETS = "/api/v1/realtime/tickets"

pytestmark = pytest.mark.django_db(transaction=True)
server = pytest.mark.server


def ask(server: Server, pair: sessions.TokenPair) -> str:
    answer = server.post(TICKETS, headers={"Authorization": f"Bearer {pair.access}"})
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"ticket", "expires_in_s"}
    return str(answer.json()["ticket"])


def person_of(pair: sessions.TokenPair) -> Person:
    claims = jwt.read(pair.access, "access", now=timezone.now())
    expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
    return Person(claims.user_id, claims.session_id, expires_at)


def outcome(server: Server, ticket: str) -> int:
    """Return 0 for a welcome, or the close code."""
    with socket(server, "tenantry.v1", query=f"?ticket={ticket}") as opened:
        try:
            return 0 if opened.hear()["type"] == "welcome" else -1
        except ConnectionClosed:
            return opened.close_code()


@server
def test_a_ticket_opens_one_connection_of_its_session(
    servers: tuple[Server, Server], uma: User
) -> None:
    pair = begin(uma)
    ticket = ask(servers[0], pair)

    with socket(servers[1], query=f"?ticket={ticket}") as here:
        welcome = here.hear()
        assert welcome["session_id"] == str(person_of(pair).session_id)
        assert outcome(servers[0], ticket) == 4401
        sessions.end_session(
            session_id=welcome["session_id"], reason="signed out", now=timezone.now()
        )
        assert here.close_code() == 4401


@server
def test_of_fifty_at_once_one_gets_in(servers: tuple[Server, Server], uma: User) -> None:
    ticket = ask(servers[0], begin(uma))

    outcomes = at_once(50, lambda number: outcome(servers[number % 2], ticket))

    assert sorted(outcomes) == [0, *[4401] * 49]


@server
@pytest.mark.parametrize("ticket", ["", "nonsense", "%00%ff", "a" * 4000])
def test_what_is_no_ticket_is_told_by_the_close_code(
    servers: tuple[Server, Server], ticket: str
) -> None:
    assert outcome(servers[0], ticket) == 4401


@server
def test_the_ticket_of_a_session_that_ended_is_over(
    servers: tuple[Server, Server], uma: User
) -> None:
    pair = begin(uma)
    ticket = ask(servers[0], pair)
    sessions.end_session(
        session_id=person_of(pair).session_id, reason="signed out", now=timezone.now()
    )

    assert outcome(servers[0], ticket) == 4401


@server
def test_no_log_has_a_ticket(servers: tuple[Server, Server], uma: User) -> None:
    ticket = ask(servers[0], begin(uma))
    assert outcome(servers[0], ticket) == 0
    assert outcome(servers[0], ticket) == 4401
    for path in ("/ws/v1", "/ws/v2", TICKETS, "/api/v1/nowhere"):
        servers[0].get(f"{path}?ticket={ticket}")
    with servers[0].connect() as bare:  # a handshake that is none
        bare.sendall(f"GET /ws/v1?ticket={ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode())
        bare.sendall(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert bare.recv(1000).startswith(b"HTTP/1.1 400")

    assert servers[0].get("/api/v1/nowhere").status_code == 404

    log = servers[0].log.read_text()
    assert "ws.connected" in log
    assert ticket not in log


def test_redis_holds_no_ticket_and_for_no_longer_than_told(api: ApiClient) -> None:
    started = monotonic()
    answer = api.send("POST", TICKETS).json()

    with Redis.from_url(settings.REDIS_URL) as store:
        (key,) = store.scan_iter("tenantry:ticket:*")
        held = key + (store.get(key) or b"")
        assert answer["ticket"].encode() not in held
        left_ms = store.pttl(key)
        spent_ms = (monotonic() - started) * 1_000
        assert 30_000 - spent_ms - 1 <= left_ms <= 30_000
        assert answer["expires_in_s"] == 30
        store.delete(key)  # as its time will
    with pytest.raises(UnauthenticatedError):
        asyncio.run(tickets.redeem(answer["ticket"]))


def test_only_who_is_signed_in_gets_one_and_only_so_many(
    anonymous: ApiClient, api: ApiClient, settings: Settings
) -> None:
    assert anonymous.send("POST", TICKETS).status_code == 401

    settings.RATE_LIMITS = {"tickets": "3/60"}
    codes = [api.send("POST", TICKETS).status_code for _ in range(4)]

    assert codes == [201, 201, 201, 429]


def test_a_ticket_lives_no_longer_than_the_token_that_asked(uma: User) -> None:
    person = person_of(begin(uma))
    over = Person(person.user_id, person.session_id, timezone.now())

    assert asyncio.run(tickets.redeem(tickets.issue(person=person))) == person
    with pytest.raises(UnauthenticatedError):
        asyncio.run(tickets.redeem(tickets.issue(person=over)))


def test_without_the_store_there_is_none(private_valkey: Valkey, api: ApiClient) -> None:
    private_valkey.stop()

    answer = api.send("POST", TICKETS)

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert problem(answer)["code"] == "realtime_unavailable"


def test_a_store_that_comes_back_with_what_it_held_brings_none_back(
    persistent_valkey: Valkey, uma: User
) -> None:
    ticket = tickets.issue(person=person_of(begin(uma)))

    persistent_valkey.stop()
    persistent_valkey.start(persistent_valkey.port)

    with Redis.from_url(f"redis://127.0.0.1:{persistent_valkey.port}/0") as store:
        assert len(list(store.scan_iter("tenantry:ticket:*"))) == 1
    with pytest.raises(UnauthenticatedError):
        asyncio.run(tickets.redeem(ticket))
