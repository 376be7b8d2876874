"""Exports over a socket: readers that are slow or leave, and a database that breaks off."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import sessions
from core.jobs.rows import execute
from organizations.models import Organization
from tests.conftest import make_user
from tests.servers import Server, running
from tests.tenants import found

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

ENTRIES = 6_000
"""Some 20 MB: more than a socket's buffers take while nobody reads."""
BATCH = 1_000
SECONDS = 20
END = b"\r\n0\r\n\r\n"
FILL = """
INSERT INTO audit_auditentry (id, created_at, organization_id, actor_kind, actor_id, action,
    target_type, target_id, before, after, ip_address, request_id)
SELECT gen_random_uuid(), now() - n * interval '1 second', %(organization_id)s, 'system', NULL,
    'member.role_changed', 'user', gen_random_uuid()::text, '{"role": "admin"}',
    jsonb_build_object('role', 'viewer', 'reason', repeat('x', 3300)), '192.0.2.1', 'request-' || n
FROM generate_series(%(first)s::int + 1, %(first)s::int + %(rows)s::int) n
"""
BREAK = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Reader:
    """Somebody who asked for an export, and reads as slowly as they like."""

    def __init__(self, server: Server, path: str, token: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", server.port))
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        self.socket.sendall(head.encode())
        self.got = bytearray(self.socket.recv(4096))
        assert self.got.startswith(b"HTTP/1.1 200 ")

    def read_on(self) -> bytearray:
        """Read to the end of the answer, whole or not."""
        with self.socket:
            while not self.got.endswith(END):
                more = self.socket.recv(1 << 20)
                if not more:
                    break
                self.got += more
        return self.got


@pytest.fixture
def acme_and_token() -> tuple[Organization, str]:
    owner = make_user("uma@example.com")
    acme = found("Acme", owner)
    for first in range(0, ENTRIES, BATCH):  # each within the time that a statement has
        execute(FILL, organization_id=acme.pk, first=first, rows=BATCH)
    execute("ANALYZE audit_auditentry")
    pair = sessions.start_session(user=owner, device="", ip_address="127.0.0.1", now=timezone.now())
    return acme, pair.access


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "log", WEB_THREADS="1") as server:
        yield server


def told(server: Server) -> dict[str, Any]:
    """Wait until the server says how an export ended."""
    end = monotonic() + SECONDS
    while monotonic() < end:
        for line in server.log.read_text().splitlines():
            if '"audit.exported"' in line:
                fields: dict[str, Any] = json.loads(line)
                return fields
        sleep(0.05)  # there is no event of another process's log to await
    raise AssertionError("nothing was told of an export")


def path(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.pk}/audit/export?format=jsonl"


def me(server: Server, token: str) -> int:
    answer = server.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_a_slow_reader_holds_up_nobody_and_gets_everything(
    server: Server, acme_and_token: tuple[Organization, str]
) -> None:
    acme, token = acme_and_token
    reader = Reader(server, path(acme), token)

    assert me(server, token) == 200  # by the only thread there is

    assert '"audit.exported"' not in server.log.read_text()
    got = reader.read_on()
    assert got.endswith(END)
    assert got.count(b'"action":"member.role_changed"') == ENTRIES
    assert (told(server)["entries"], told(server)["whole"]) == (ENTRIES + 1, True)


def test_a_reader_who_leaves_ends_the_export(
    server: Server, acme_and_token: tuple[Organization, str]
) -> None:
    acme, token = acme_and_token
    reader = Reader(server, path(acme), token)

    reader.socket.close()

    fields = told(server)
    assert fields["whole"] is False
    assert fields["entries"] < ENTRIES
    assert me(server, token) == 200
    assert '"level":"error"' not in server.log.read_text()


def test_an_export_that_breaks_off_does_not_look_whole(
    server: Server, acme_and_token: tuple[Organization, str]
) -> None:
    acme, token = acme_and_token
    reader = Reader(server, path(acme), token)

    execute(BREAK)

    got = reader.read_on()
    assert not got.endswith(END)
    assert got.count(b'"action"') < ENTRIES
    assert told(server)["whole"] is False
    assert me(server, token) == 200
