"""Peers that read slowly, nothing at all, or are gone without a word."""

import base64
import os
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from accounts.models import User
from core import serving
from realtime import census, leases
from realtime.census import Question
from realtime.connections import HEARTBEAT_SECONDS
from realtime.services.sending import Message, send_all
from tests.realtime.conftest import Eventually
from tests.servers import Server, running
from tests.sockets import Socket, access, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

PING = bytes([0x81, 0x80 | 15, 0, 0, 0, 0]) + b'{"type":"ping"}'
"""What our protocol calls so, as a masked frame."""
SIZE, COUNT = 60_000, 400
"""24 MB: more than the buffers of both kernels (some 10 MB) and what we keep for one reader."""
MOST_GROWTH_KIB = 24 * 1024


@pytest.fixture(scope="module")
def hasty(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = ["-m", "tests.realtime.hasty", "--port", "{port}", "--exit-with-parent"]
    log = tmp_path_factory.mktemp("logs") / "hasty"
    with running(log, command=command, RATE_LIMITS="{}") as server:
        yield server


def memory_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def connections(server: Server) -> int:
    """Return how many connections are open, or keep unsent data in the kernel."""
    over = {"05", "06", "0A"}  # FIN_WAIT2, TIME_WAIT, and what listens
    here = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(here) and row[3] not in over for row in rows)


@contextmanager
def narrow(server: Server, token: str) -> Iterator[Socket]:
    """A client that takes little at once, and nothing more once nobody asks it for frames."""
    pipe = sockets.socket()
    pipe.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 8192)
    pipe.connect(("127.0.0.1", server.port))
    with connect(
        f"ws://127.0.0.1:{server.port}/ws/v1",
        sock=pipe,
        subprotocols=["tenantry.v1", f"bearer.{token}"],  # type: ignore[list-item]
        ping_interval=None,
        close_timeout=1,
    ) as connection:
        opened = Socket(connection)
        opened.welcome = opened.hear()
        yield opened


def test_a_reader_that_stops_is_closed_and_loses_nothing(  # RT 18, RT 19
    servers: tuple[Server, Server], uma: User, eventually: Eventually
) -> None:
    server, token = servers[0], access(uma)
    with signed_in(server, token) as other, narrow(server, token) as slow:
        ack = other.ask("subscribe", channel="user")
        epoch, start = ack["epoch"], ack["offset"]
        before = memory_kib(server)
        for first in range(0, COUNT, 20):
            some = [
                Message(f"user:{uma.pk}", "n", [n, "x" * SIZE]) for n in range(first, first + 20)
            ]
            send_all(some)
            heard = [other.hear_until("event")[-1] for _ in some]
            assert [frame["data"][0] for frame in heard] == list(range(first, first + 20))

        closed = '"event":"ws.disconnected"'
        slow_id = slow.welcome["connection_id"]
        eventually(lambda: any(closed in line and slow_id in line for line in lines(server)))
        assert memory_kib(server) - before < MOST_GROWTH_KIB
        got: list[int] = []
        with suppress(ConnectionClosed):
            while len(got) < COUNT:
                got.append(slow.hear()["offset"])
        assert slow.connection.close_code == 1013
        assert got == list(range(start + 1, start + len(got) + 1))

    with signed_in(server, token) as back:
        ack = back.ask("subscribe", channel="user", since=f"{epoch}:{start + len(got)}")
        assert ack["recovered"]
        rest = [back.hear()["offset"] for _ in range(COUNT - len(got))]
        assert rest == list(range(start + len(got) + 1, start + COUNT + 1))


def lines(server: Server) -> list[str]:
    return server.log.read_text().splitlines()


def handshake(server: Server, token: str, *, more: bytes = b"") -> sockets.socket:
    """Open a WebSocket by hand: one that answers no ping. `more` goes out with the handshake."""
    bare = sockets.socket()
    bare.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 8192)
    bare.settimeout(10)
    bare.connect(("127.0.0.1", server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    bare.sendall(
        f"GET /ws/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: tenantry.v1, bearer.{token}\r\n\r\n".encode()
        + more
    )
    assert bare.recv(1).startswith(b"H")
    return bare


def test_a_peer_that_answers_no_ping_is_dropped(hasty: Server, uma: User) -> None:  # RT 20
    assert HEARTBEAT_SECONDS == serving.PING_SECONDS
    assert serving.PING_SECONDS + serving.PONG_SECONDS < 60

    with handshake(hasty, access(uma)) as bare, signed_in(hasty, access(uma)) as lively:
        while bare.recv(65_536):  # as far as the end of the stream; ten seconds at most
            pass
        assert lively.ask("ping")["type"] == "pong"


def test_a_peer_that_reads_nothing_leaves_nothing_behind(
    hasty: Server, uma: User, eventually: Eventually
) -> None:
    with handshake(hasty, access(uma)):
        assert connections(hasty) == 1
        send_all([Message(f"user:{uma.pk}", "n", "x" * SIZE) for _ in range(150)])
        eventually(lambda: connections(hasty) == 0)

    eventually(lambda: "ws.disconnected" in lines(hasty)[-1])
    assert "Traceback" not in hasty.log.read_text()


def test_peers_that_are_gone_before_they_hear_anything_leave_nothing_behind(
    servers: tuple[Server, Server], uma: User, eventually: Eventually
) -> None:
    token = access(uma)
    for number in range(60):
        handshake(servers[0], token, more=PING * (number % 5)).close()

    eventually(lambda: census.ask(Question()).connections == 0)
    with Redis.from_url(settings.REDIS_URL) as store:
        eventually(lambda: store.zcard(leases.key_of(uma.pk)) == 0)


def test_pings_of_a_peer_that_reads_nothing_fill_no_memory(
    servers: tuple[Server, Server], uma: User
) -> None:
    server = servers[1]
    before = memory_kib(server)
    ping = bytes([0x89, 0x80 | 125, 0, 0, 0, 0]) + b"x" * 125

    with handshake(server, access(uma)) as bare:
        bare.settimeout(60)
        bare.sendall(ping * 150_000)  # 19 MB: they are read, and not answered without end
        with signed_in(server, access(uma)) as lively:
            assert lively.ask("ping")["type"] == "pong"
        assert memory_kib(server) - before < 6 * 1024
