"""What only we promise: many idle sockets, slow readers that harm nobody, memory that stays."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from bench.realtime.sockets import Client, losses, stamps

if TYPE_CHECKING:
    from bench.realtime.turns import Figures, Turn

IDLE, IDLE_SECONDS = 10_000, 60.0
"""Long enough for two pings of the server to each."""
READERS, SLEEPERS = 200, 20
LARGE_BYTES, LARGE_COUNT, LARGE_PAUSE_SECONDS = 16_384, 600, 0.02
"""Ten MB for each: more than kernel and server together keep for one who does not read."""
WAKE_SECONDS = 40.0
"""For those who slept to read what the systems kept for them, and why they were closed."""
SOAKED, CHURN, SOAK_LOOK_SECONDS = 1_000, 10, 10.0
MIB = 1024 * 1024

Measure = Callable[["Turn"], "Figures"]


def measures(database_url: str, *, everything: bool, soak_minutes: float) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    if everything:
        found["slow readers"] = slow_readers
        found["idle"] = lambda turn: idle(turn, database_url)
    if soak_minutes:
        found["soak"] = lambda turn: soak(turn, soak_minutes * 60)
    return found


# -- Idle ------------------------------------------------------------------------------------------
def idle(turn: "Turn", database_url: str) -> "Figures":
    with psycopg.connect(database_url, autocommit=True) as database:
        before = connections(database)
        found = turn.open(IDLE)
        while_opening = connections(database)
        asked, used = transactions(database), turn.server.cpu_seconds()
        turn.clients.listen(IDLE_SECONDS)
        return found | {
            "database_connections": connections(database) - before,
            "database_connections_while_opening": while_opening - before,
            "transactions_per_second": (transactions(database) - asked) / IDLE_SECONDS,
            "cpu_percent": (turn.server.cpu_seconds() - used) / IDLE_SECONDS * 100,
            "memory_mib": turn.server.memory_bytes() / MIB,
            "last_ms": turn.broadcast(1),
        }


def connections(database: "psycopg.Connection[tuple[int]]") -> int:
    row = database.execute(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    ).fetchone()
    return row[0] if row else 0


def transactions(database: "psycopg.Connection[tuple[int]]") -> int:
    row = database.execute(
        "select xact_commit from pg_stat_database where datname = current_database()"
    ).fetchone()
    return row[0] if row else 0


# -- Slow readers ----------------------------------------------------------------------------------
def slow_readers(turn: "Turn") -> "Figures":
    """Say ten MB to everybody, at first while all read, then while some sleep."""
    turn.open(READERS)
    readers = list(turn.clients.all)
    _flood(turn, readers)  # warm
    calm = _flood(turn, readers)
    turn.open(READERS + SLEEPERS, receive_buffer=4096)
    sleepers = turn.clients.all[READERS:]
    for sleeper in sleepers:
        turn.clients.stop_reading(sleeper)
    base = turn.server.memory_bytes()
    with peak_memory(turn) as peak:
        beside = _flood(turn, readers)
    for sleeper in sleepers:
        turn.clients.read_again(sleeper)
    deadline = time.monotonic() + WAKE_SECONDS
    while sum(turn.clients.gone.values()) < SLEEPERS and time.monotonic() < deadline:
        turn.clients.poll(1.0)
    closed = {f"sleepers_closed_{code}": count for code, count in turn.clients.gone.items()}
    turn.clients.gone.clear()
    return closed | {
        "p99_ms_all_read": calm,
        "p99_ms_beside_sleepers": beside,
        "ratio": beside / calm,
        "more_memory_mib": (peak[0] - base) / MIB,
        "sleepers": SLEEPERS,
    }


def _flood(turn: "Turn", readers: Sequence[Client]) -> float:
    """Return the p99 of how long a message takes to those who read, in ms."""
    total = turn.clients.messages + LARGE_COUNT * len(readers)
    numbers = turn.publisher.order(LARGE_COUNT, pause=LARGE_PAUSE_SECONDS, size=LARGE_BYTES)
    turn.hear(total)
    times = sorted(read - sent for each in readers for _, sent, read in stamps(each))
    turn.lost += losses(readers, numbers)
    turn.clients.forget_what_was_heard()
    return times[len(times) * 99 // 100] / 1e6


@contextmanager
def peak_memory(turn: "Turn") -> Iterator[list[int]]:
    """Watch the server's memory from a thread beside the work."""
    done, peak = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], turn.server.memory_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


# -- Soak ------------------------------------------------------------------------------------------
def soak(turn: "Turn", seconds: float) -> "Figures":
    """Talk to a thousand, of whom some go and others come every second."""
    turn.open(SOAKED)
    looks: list[tuple[float, float]] = []
    started = time.monotonic()
    while (spent := time.monotonic() - started) < seconds:
        if spent >= len(looks) * SOAK_LOOK_SECONDS:
            looks.append((spent, turn.server.memory_bytes() / MIB))
            print(f"  after {spent:5.0f} s {looks[-1][1]:7.1f} MiB", flush=True)
        _one_second(turn)
    half = looks[len(looks) // 2 :]
    minutes = (half[-1][0] - half[0][0]) / 60 or 1.0
    return {
        "memory_mib_first": looks[0][1],
        "memory_mib_half": half[0][1],
        "memory_mib_last": half[-1][1],
        "mib_a_minute_of_second_half": (half[-1][1] - half[0][1]) / minutes,
    }


def _one_second(turn: "Turn") -> None:
    until = time.monotonic() + 1.0
    turn.broadcast(5)
    turn.clients.close(turn.clients.all[:CHURN])
    turn.opened += CHURN
    numbers = range(turn.opened - CHURN, turn.opened)
    join = lambda number: turn.stack.join(turn.server.port, number % SOAKED)  # noqa: E731
    turn.clients.open(join, numbers)
    turn.clients.listen(max(0.0, until - time.monotonic()))
