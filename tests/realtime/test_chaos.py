"""Whatever dies, a client misses nothing and hears nothing twice: bench/chaos, small."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from bench.chaos.breaking import Chaos, Plan
from bench.chaos.listener import Row, Run, faults
from core.embedded.valkey import Valkey
from organizations.models import Organization
from realtime.models import StreamMessage
from tests.core.jobs.queues import database_url
from tests.servers import free_port

SMALL = Plan(
    messages=300,
    per_second=100,
    speakers=1,
    speaker_lives=100,
    kill_server_every=1.0,
    restart_valkey_every=1.2,
    break_connection_every=0.8,
    kills_at_most=1,
    settle_seconds=20.0,
)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey", durable=False)
    tmp_path.chmod(0o755)
    server.start(free_port())
    yield server
    server.stop()


def committed(channels: list[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    heard = StreamMessage.objects.on_any(channels).order_by("offset")
    rows = heard.values_list("stream", "offset", "pk")
    for stream, offset, pk in rows:
        assert offset is not None
        found.setdefault(stream, []).append((offset, str(pk)))
    return found


def count(channels: list[str]) -> int:
    """Return how many messages there are, for a thread that ends then."""
    try:
        return StreamMessage.objects.on_any(channels).count()
    finally:
        connection.close()


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_nothing_is_missed_and_nothing_doubled_whatever_dies(  # RT 10, RT 11, RT 12
    valkey: Valkey, uma: User, acme: Organization, tmp_path: Path
) -> None:
    now = timezone.now()
    channels = [f"organization:{acme.pk}", "system"]
    pair = sessions.start_session(user=uma, device="", ip_address="127.0.0.1", now=now)
    chaos = Chaos(
        plan=SMALL,
        environment={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
            "ALLOWED_HOSTS": "127.0.0.1",
            "RATE_LIMITS": "{}",
        },
        valkey=valkey,
        channels=channels,
        tokens=[pair.access] * 4,
        log=tmp_path / "log",
        committed=lambda: count(channels),
    )

    listeners = asyncio.run(chaos.run())

    said = committed(channels)
    assert sum(map(len, said.values())) >= SMALL.messages
    for listener in listeners:
        assert listener.faults(said).keys() <= {"heard", "told that it can't be recovered"}
    for kind in ("servers killed", "speakers killed", "Valkey restarted, empty"):
        assert chaos.counts[kind] == 1


ROWS: list[Row] = [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([Run(0, ROWS)], {"heard": 4}),
        ([Run(0, ROWS[:3])], {"heard": 3, "missing at the end": 1}),
        ([Run(0, [ROWS[0], *ROWS[2:]])], {"heard": 3, "missing": 1}),
        ([Run(0, [*ROWS, ROWS[3]])], {"heard": 5, "doubled or out of order": 1}),
        ([Run(0, [*ROWS[:3], (4, "e")])], {"heard": 4, "not what was said": 1}),
        (
            [Run(0, ROWS[:1]), Run(3, ROWS[3:])],
            {"heard": 2, "told that it can't be recovered": 1},
        ),
    ],
)
def test_a_fault_would_be_found(runs: list[Run], expected: dict[str, int]) -> None:
    assert faults(runs, ROWS) == Counter(expected)
