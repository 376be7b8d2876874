"""How long jobs wait, by the number of worker processes: a simulation of one queue.

Jobs are taken in their order by whichever slot is free, as PostgreSQL's queue hands them out. A job
holds its slot for a random time. Jobs that arrive by the Poisson process and last exponentially
have a known answer, Erlang's C, against which the simulation is checked.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import exp

BURST_SHARE, BURST_FACTOR, BURST_SECONDS = 0.05, 10.0, 30.0
"""In a twentieth of the time ten times as many arrive as otherwise, for half a minute each."""
JOBS, BURSTY_JOBS = 60_000, 1_000_000
"""Enough for some twenty bursts."""
SEED = 20_261


@dataclass(frozen=True)
class Waits:
    """Seconds that jobs waited for a free slot."""

    mean: float
    p50: float
    p99: float
    busy: float
    """Share of the slots' time that was spent working."""


def erlang_c(rate: float, service: float, slots: int) -> float:
    """Return the probability that a job has to wait."""
    offered = rate * service
    blocked = 1.0  # Erlang's B, from no slots on
    for n in range(1, slots + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked / (1 - offered / slots * (1 - blocked))


def mean_wait(rate: float, service: float, slots: int) -> float:
    """Return the mean wait in the known case."""
    return erlang_c(rate, service, slots) * service / (slots - rate * service)


def share_waiting_longer(rate: float, service: float, slots: int, seconds: float) -> float:
    free = slots / service - rate
    return erlang_c(rate, service, slots) * exp(-free * seconds)


def poisson(rate: float, chance: random.Random) -> Iterator[float]:
    now = 0.0
    while True:
        now += chance.expovariate(rate)
        yield now


def bursty(rate: float, chance: random.Random) -> Iterator[float]:
    """Arrivals of the same mean rate, a third of which come in bursts."""
    calm = rate / (1 - BURST_SHARE + BURST_SHARE * BURST_FACTOR)
    quiet_seconds = BURST_SECONDS * (1 - BURST_SHARE) / BURST_SHARE
    now, is_burst = 0.0, False
    until = chance.expovariate(1 / quiet_seconds)
    while True:
        step = chance.expovariate(calm * (BURST_FACTOR if is_burst else 1.0))
        if now + step < until:
            now += step
            yield now
            continue
        now, is_burst = until, not is_burst
        until += chance.expovariate(1 / (BURST_SECONDS if is_burst else quiet_seconds))


def simulate(
    arrivals: Iterator[float], service: float, slots: int, chance: random.Random, *, jobs: int
) -> Waits:
    free_at = [0.0] * slots
    waits, worked, last = [], 0.0, 0.0
    for arrived in islice(arrivals, jobs):
        lasts = chance.expovariate(1 / service)
        begun = max(arrived, free_at[0])
        heapq.heapreplace(free_at, begun + lasts)
        waits.append(begun - arrived)
        worked += lasts
        last = arrived
    waits.sort()
    return Waits(
        mean=sum(waits) / jobs,
        p50=waits[jobs // 2],
        p99=waits[jobs * 99 // 100],
        busy=worked / (last * slots),
    )


def by_processes(
    rate: float,
    service: float,
    processes: list[int],
    *,
    concurrency: int,
    jobs: tuple[int, int] = (JOBS, BURSTY_JOBS),
) -> dict[str, list[tuple[int, Waits]]]:
    """Return waits for either kind of arrivals, where the slots are enough at all."""
    found: dict[str, list[tuple[int, Waits]]] = {"evenly": [], "in bursts": []}
    for count in processes:
        slots = count * concurrency
        if rate * service >= slots:
            continue
        for name, arrive, many in zip(found, (poisson, bursty), jobs, strict=True):
            chance = random.Random(SEED)
            waits = simulate(
                arrive(rate, chance), service, slots, random.Random(SEED + 1), jobs=many
            )
            found[name].append((count, waits))
    return found


def deviation(*, jobs: int = JOBS) -> float:
    """Return by how much the simulated mean wait differs from Erlang's, at 80 % of 16 slots."""
    rate, service, slots = 64.0, 0.2, 16
    seen = simulate(poisson(rate, random.Random(SEED)), service, slots, random.Random(SEED + 1),
                    jobs=jobs)  # fmt: skip
    return abs(seen.mean / mean_wait(rate, service, slots) - 1)
