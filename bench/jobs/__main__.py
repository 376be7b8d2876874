"""Jobs beside their peers: make bench ARGS=jobs.

Ours, plain procrastinate and Celery on Redis, with one worker each: enqueuing one by one and in
batches, working off, how soon an idle worker begins, CPU, and what a killed worker loses. Exits
with 1 below the goals.
"""

import argparse
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.jobs.contenders import (
    CELERY,
    CONCURRENCY,
    LATE,
    OURS,
    PLAIN,
    Contender,
    contenders,
    used_by_servers,
)
from bench.jobs.slots import Slots
from bench.lab.machine import describe
from bench.lab.report import Bars, Goal, Report, Table, finish, number, spread
from bench.lab.servers import environment
from bench.lab.stores import services

SINGLE, BATCH = 300, 1000
"""Jobs of one round."""
IDLE = 40
LOST, LOST_SECONDS = 40, 0.25
"""Jobs of which a worker dies, and how long each takes."""
STILL_SECONDS = 20.0
"""So long after the last of them has ended no more is expected: every time-out has passed."""

Rounds = dict[str, list[dict[str, float]]]


def prepare(variables: dict[str, str]) -> dict[str, str]:
    """Make both databases' tables."""
    address = variables["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain")
    variables = variables | {
        "PLAIN_DATABASE_URL": urlunsplit(urlsplit(address)._replace(path="plain"))
    }
    for module in ("bench.jobs.settings", "bench.peers.procrastinate_peer.settings"):
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
            env=variables | {"DJANGO_SETTINGS_MODULE": module},
            check=True,
        )
    return variables


def measure(*, full: bool) -> dict[str, Any]:
    with services(durable=True) as (running, addresses):
        variables = prepare(environment(addresses))
        slots = Slots.make(Path(variables["TENANTRY_HOME"], "slots"))
        stores = [pid for server in running.servers if (pid := server.running_pid())]
        rounds = throughput(variables, slots, stores, rounds=9 if full else 2)
        return {"rounds": rounds, "lost": loss(variables, slots)}


# -- What work costs -------------------------------------------------------------------------------
def throughput(
    variables: dict[str, str], slots: Slots, stores: list[int], *, rounds: int
) -> Rounds:
    seen: Rounds = {}
    with ExitStack() as stack:
        running = contenders(variables, slots, soon=False)
        for place, one in enumerate(running):
            one.next_number = place * 20_000
            stack.callback(one.stop)
            one.start()
            one.pause()
        for round_number in range(rounds + 1):
            turn = round_number % len(running)
            for one in running[turn:] + running[:turn]:
                figures = work(one, stores)
                if round_number:  # the first round warms
                    seen.setdefault(one.name, []).append(figures)
    return {one.name: seen[one.name] for one in running}


def work(one: Contender, stores: list[int]) -> dict[str, float]:
    """Enqueue while the worker is stopped, let it work off, then see how soon it begins."""
    singly, working, serving = enqueue_and_work(one, stores, "one", SINGLE)
    batched, more_working, more_serving = enqueue_and_work(one, stores, "many", BATCH)
    one.go_on()
    order = one.order("idle", count=IDLE)
    one.until(lambda: slots_ended(one, order, IDLE), "jobs for an idle worker")
    one.pause()
    waited = sorted(
        max(0.0, one.slots.began(order["first"] + n) - stored) * 1e3
        for n, stored in enumerate(order["told"])
    )
    seconds = working["seconds"] + more_working["seconds"]
    return {
        "singly_per_second": singly["per_second"],
        "singly_cpu_us": singly["cpu_us"],
        "batched_per_second": batched["per_second"],
        "batched_cpu_us": batched["cpu_us"],
        "worked_per_second": (SINGLE + BATCH) / seconds,
        "worker_cpu_us": (working["cpu"] + more_working["cpu"]) / (SINGLE + BATCH) * 1e6,
        "stores_cpu_us": (serving + more_serving) / (SINGLE + BATCH) * 1e6,
        "idle_p50_ms": waited[len(waited) // 2],
        "idle_p99_ms": waited[len(waited) * 99 // 100],
    }


def enqueue_and_work(
    one: Contender, stores: list[int], how: str, count: int
) -> tuple[dict[str, float], dict[str, float], float]:
    """Return what enqueuing took, what working took, and the stores' CPU for both."""
    served = used_by_servers(stores)
    order = one.order(how, count=count)
    cpu, started = one.cpu_seconds(), time.perf_counter()
    one.go_on()
    one.until(lambda: slots_ended(one, order, count), f"{count} jobs")
    seconds = time.perf_counter() - started
    time.sleep(0.3)  # the ends of the last are being written
    working = {"seconds": seconds, "cpu": one.cpu_seconds() - cpu}
    one.pause()
    return order["told"], working, used_by_servers(stores) - served


def slots_ended(one: Contender, order: dict[str, Any], count: int) -> bool:
    return one.slots.ended(order["first"], count) == count


# -- What is lost ----------------------------------------------------------------------------------
def loss(variables: dict[str, str], slots: Slots) -> dict[str, dict[str, float]]:
    """Kill every worker in the midst of its work, start another, and count what has ended."""
    with ExitStack() as stack:
        dying = contenders(variables, slots, soon=True)
        orders = {}
        for place, one in enumerate(dying):
            one.next_number = 90_000 + place * 1_000
            stack.callback(one.stop)
            one.start()
        for one in dying:
            orders[one.name] = one.order("one", count=LOST, seconds=LOST_SECONDS)
            first = orders[one.name]["first"]
            one.until(lambda first=first: slots.begun(first, LOST) > LOST // 4, "some jobs")  # type: ignore[misc]
            one.kill_worker()
            orders[one.name]["ended_before"] = slots.ended(first, LOST)
        for one in dying:
            one.start_worker()
        firsts = [order["first"] for order in orders.values()]
        until_nothing_moves(lambda: [slots.ended(first, LOST) for first in firsts])
        return {
            name: {
                "jobs": LOST,
                "ended_before": order["ended_before"],
                "ended": slots.ended(order["first"], LOST),
                "again": slots.again(order["first"], LOST),
            }
            for name, order in orders.items()
        }


def until_nothing_moves(look: Any) -> None:
    seen, since = look(), time.monotonic()
    while time.monotonic() < since + STILL_SECONDS and min(seen) < LOST:
        time.sleep(0.2)
        if (found := look()) != seen:
            seen, since = found, time.monotonic()


# -- What is shown ---------------------------------------------------------------------------------
def over(rounds: Rounds, key: str, peer: str) -> float:
    """Return our figure over a peer's, compared round by round."""
    pairs = zip(rounds[OURS], rounds[peer], strict=True)
    return median(mine[key] / theirs[key] for mine, theirs in pairs)


def report(measured: dict[str, Any]) -> Report:
    rounds: Rounds = measured["rounds"]
    made = Report(
        "jobs",
        f"{len(rounds[OURS])} rounds, each of {SINGLE} jobs one by one, {BATCH} in batches and"
        f" {IDLE} for an idle worker; medians, with the least and the most of the rounds.",
        describe(["procrastinate", "psycopg", "celery", "redis"]),
    )
    made.goals = [
        Goal(f"{words} over procrastinate's", over(rounds, key, PLAIN), least=1.0)
        for words, key in (
            ("enqueued one by one", "singly_per_second"),
            ("enqueued in batches", "batched_per_second"),
            ("worked", "worked_per_second"),
        )
    ]
    ended = measured["lost"][OURS]["ended"]
    made.goals.append(Goal(f"of {LOST} jobs worked after a kill", ended, least=LOST))
    made.shown = [speed_table(rounds), cpu_table(rounds), loss_table(measured["lost"])]
    made.shown.append(worked_bars(rounds))
    keys = ("singly_per_second", "batched_per_second", "worked_per_second", "worker_cpu_us")
    made.figures = measured | {
        "over": {
            peer: {key: over(rounds, key, peer) for key in keys} for peer in (PLAIN, CELERY, LATE)
        }
    }
    return made


def cells(rounds: Rounds, keys: list[str]) -> list[tuple[str, ...]]:
    return [
        (name, *(spread(one[key] for one in seen) for key in keys)) for name, seen in rounds.items()
    ]


def speed_table(rounds: Rounds) -> Table:
    heads = ["", "enqueued/s, one by one", "enqueued/s, in batches", "worked/s",
             "begun after, p50 ms", "p99 ms"]  # fmt: skip
    keys = ["singly_per_second", "batched_per_second", "worked_per_second",
            "idle_p50_ms", "idle_p99_ms"]  # fmt: skip
    return Table(heads, cells(rounds, keys))


def cpu_table(rounds: Rounds) -> Table:
    heads = ["CPU µs a job", "who enqueues, one by one", "in batches", "worker", "stores"]
    keys = ["singly_cpu_us", "batched_cpu_us", "worker_cpu_us", "stores_cpu_us"]
    return Table(heads, cells(rounds, keys))


def loss_table(lost: dict[str, dict[str, float]]) -> Table:
    rows = [
        (name, *(number(one[key]) for key in ("jobs", "ended_before", "ended", "again")))
        for name, one in lost.items()
    ]
    return Table(
        ["", "jobs", "ended before the kill", "ended at last", "begun a second time"],
        rows,
        f"A worker is killed while {CONCURRENCY} jobs run, and another started.",
    )


def worked_bars(rounds: Rounds) -> Bars:
    values = {name: [one["worked_per_second"] for one in seen] for name, seen in rounds.items()}
    return Bars("worked", "Trivial jobs worked by one worker", "jobs a second", values)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, for the documentation")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    return finish(report(measure(full=options.full)))


if __name__ == "__main__":
    sys.exit(main())
