"""Server-sent events: the same messages for those whom sockets don't reach."""

import signal
import socket
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from organizations.models import Organization
from organizations.services import lifecycle, members
from realtime.services.sending import send
from tests import streams
from tests.conftest import make_user
from tests.servers import Server, running
from tests.sockets import access, begin, signed_in
from tests.tenants import join

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def test_a_stream_tells_what_a_socket_does(  # RT 36
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    token, channel = access(uma), f"organization:{acme.pk}"

    with (
        streams.opened(servers[0], "user", channel, access=token) as here,
        signed_in(servers[1], token) as there,
    ):
        assert here.response.headers["Content-Type"] == "text/event-stream"
        assert here.hear().kind == "welcome"
        acks = [here.hear(), here.hear()]
        assert [ack.frame["channel"] for ack in acks] == ["user", channel]
        there.ask("subscribe", channel=channel)
        said = send(channel, "count", 1)
        send(f"user:{uma.pk}", "count", 2)
        heard = [here.hear_until("event") for _ in range(2)]
        assert heard[0].frame["id"] == str(said)
        assert [block.frame for block in heard] == [there.hear_until("event")[-1] for _ in range(2)]
        places = [f"{ack.frame['epoch']}:{ack.frame['offset'] + 1}" for ack in acks]
        assert heard[1].id == ",".join(places)


def test_who_comes_back_gets_what_they_missed(  # RT 36
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    token, channel = access(uma), f"organization:{acme.pk}"
    with streams.opened(servers[0], channel, "user", access=token) as here:
        here.hear_until("ack")
        here.hear_until("ack")
        send(channel, "count", 0)
        assert here.data(1) == [0]
    for number in range(1, 4):
        send(channel, "count", number)
    send(f"user:{uma.pk}", "count", "you")

    with streams.opened(servers[1], channel, "user", access=token, last_id=here.last_id) as there:
        assert there.hear_until("ack").frame["recovered"] is True
        assert there.data(3) == [1, 2, 3]
        assert there.hear_until("ack").frame["recovered"] is True
        assert there.data(1) == ["you"]
        send(channel, "count", 4)
        assert there.data(1) == [4]
        latest = there.last_id
    with streams.opened(servers[0], channel, "user", access=token, last_id=latest) as again:
        send(channel, "count", 5)
        assert again.data(1) == [5]
    for last_id in ("nonsense", "00000000:1,00000000:1", latest.partition(",")[0]):
        with streams.opened(servers[0], channel, "user", access=token, last_id=last_id) as lost:
            assert [lost.hear_until("ack").frame["recovered"] for _ in range(2)] == [False, False]


def test_the_answer_has_the_headers_of_any_other_and_a_line_in_the_log(
    servers: tuple[Server, Server], uma: User
) -> None:
    with streams.opened(servers[0], access=access(uma)) as here:
        headers = here.response.headers

    usual = (
        servers[0]
        .get("/api/v1/users/me", headers={"Authorization": f"Bearer {access(uma)}"})
        .headers
    )
    assert "Content-Length" not in headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Vary"):
        assert headers[name] == usual[name], name
    lines = [line for line in servers[0].log.read_text().splitlines() if '"/sse/v1"' in line]
    logged = [orjson.loads(line) for line in lines]
    assert headers["X-Request-ID"] in {line["request_id"] for line in logged}


def test_a_ticket_opens_a_stream_once(servers: tuple[Server, Server], uma: User) -> None:
    headers = {"Authorization": f"Bearer {access(uma)}"}
    ticket = servers[0].post("/api/v1/realtime/tickets", headers=headers).json()["ticket"]

    with streams.opened(servers[1], ticket=ticket) as here:
        assert here.hear().frame["user_id"] == str(uma.pk)
    assert servers[0].get(f"/sse/v1?ticket={ticket}").status_code == 401
    assert all(ticket not in server.log.read_text() for server in servers)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?channel=user&color=red", 400, "unknown_parameter"),
        ("?" + "&".join(f"channel=c{number}" for number in range(11)), 400, "validation_error"),
        ("?channel=nowhere", 403, "forbidden"),
        (f"?channel=user&channel=organization:{UUID(int=7)}", 403, "forbidden"),
        ("?channel=../..%00", 403, "forbidden"),
    ],
)
def test_what_can_t_be_streamed_is_a_problem_before_anything_begins(
    servers: tuple[Server, Server], uma: User, query: str, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {access(uma)}"}
    answer = servers[0].get(f"/sse/v1{query}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_nobody_and_pages_of_others_are_refused(servers: tuple[Server, Server], uma: User) -> None:
    here, token = servers[0], {"Authorization": f"Bearer {access(uma)}"}

    nobody = here.get("/sse/v1")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert here.get("/sse/v1", headers={"Authorization": "Bearer x"}).status_code == 401
    foreign = here.get("/sse/v1", headers=token | {"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert here.post("/sse/v1", headers=token).status_code == 405
    assert here.get("/sse/v1", headers=token | {"Host": "evil.example"}).status_code == 400


def test_the_end_of_a_session_ends_the_stream_and_says_so(
    servers: tuple[Server, Server], uma: User
) -> None:
    pair = begin(uma)

    with streams.opened(servers[0], access=pair.access) as here:
        session_id = here.hear().frame["session_id"]
        sessions.end_session(session_id=session_id, reason="signed out", now=timezone.now())
        last = here.rest()[-1]
    assert (last.kind, last.frame) == ("closed", {"type": "closed", "code": 4401})


def test_a_lost_channel_is_told_and_the_others_go_on(
    servers: tuple[Server, Server], acme: Organization
) -> None:
    sam, channel = make_user("sam@example.com"), f"organization:{acme.pk}"
    join(acme, sam, "member")

    with streams.opened(servers[0], channel, "user", access=access(sam)) as here:
        here.hear_until("ack")
        members.remove(organization_id=acme.pk, actor_id=None, user_id=sam.pk, now=timezone.now())
        lost = here.hear_until("unsubscribed").frame
        assert lost == {"type": "unsubscribed", "channel": channel, "code": "forbidden"}
        send(f"user:{sam.pk}", "count", 1)
        while here.data(1) != [1]:
            pass


def test_a_suspended_organization_is_told_as_such(
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=timezone.now())
    headers = {"Authorization": f"Bearer {access(uma)}"}

    answer = servers[0].get(f"/sse/v1?channel=organization:{acme.pk}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "organization_suspended")


def test_a_server_that_stops_says_so(uma: User, tmp_path: Any) -> None:
    with running(tmp_path / "log", RATE_LIMITS="{}") as server:
        with streams.opened(server, access=access(uma)) as here:
            here.hear_until("ack")
            server.process.send_signal(signal.SIGTERM)
            assert here.rest()[-1].frame == {"type": "closed", "code": 1012}
        assert server.process.wait(35) == 0


def test_who_reads_nothing_is_cut_off_and_nobody_else_waits(  # RT 18
    servers: tuple[Server, Server], uma: User
) -> None:
    token = access(uma)
    with socket.create_connection(("127.0.0.1", servers[0].port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET /sse/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        deaf.sendall(head.encode())
        deaf.recv(1)
        with streams.opened(servers[0], access=token) as here:
            here.hear_until("ack")
            for number in range(300):
                send(f"user:{uma.pk}", "count", {"number": number, "filling": "x" * 30_000})
                assert here.data(1)[0]["number"] == number
        deaf.settimeout(streams.PATIENCE_SECONDS)
        with suppress(ConnectionError):
            while deaf.recv(65_536):
                pass


def test_streams_hold_no_thread_and_no_connection_to_the_database(
    servers: tuple[Server, Server], uma: User, tmp_path: Any
) -> None:
    token = access(uma)
    with running(tmp_path / "log", RATE_LIMITS="{}", WEB_THREADS="1") as server:
        headers = {"Authorization": f"Bearer {token}"}
        with (
            streams.opened(server, access=token) as first,
            streams.opened(server, access=token) as second,
        ):
            assert [first.hear().kind, second.hear().kind] == ["welcome", "welcome"]
            assert server.get("/api/v1/users/me", headers=headers).status_code == 200
