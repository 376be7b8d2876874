"""What replicas of PostgreSQL would take off the primary, and where that ends.

Reads go to replicas, but for those of somebody who has just changed something: for `pin` seconds
they stay with the primary, so that everybody reads what they wrote. Every replica repeats all
writes. A replica repeats one thing after the other; how far it is behind is the wait in a queue
with one server and equal pieces of work, which has a known answer.
"""

import random
from dataclasses import dataclass
from math import exp

from bench.scaling.arithmetic import stores
from bench.scaling.costs import Costs
from bench.scaling.usage import Usage

PINS = [1.0, 5.0, 30.0]
"""Seconds."""
REPLAY_SHARE = 0.3
"""What repeating a write costs a replica, of what it cost the primary: assumed."""
REPLAY_BYTES = 50e6
"""Bytes of WAL that a replica repeats in a second: assumed, of one process on a fast disk."""
ACTION_REQUESTS, ACTION_SECONDS = 5, 2.0
"""People do not ask evenly: a page opened is so many requests within so many seconds."""
SEED = 20_262


def pinned_share(write_rate: float, pin: float) -> float:
    """Return the share of reads that stay with the primary, were everybody's requests even."""
    return 1 - exp(-write_rate * pin)


def simulate_pinned(
    rate: float, write_share: float, pin: float, *, actions: int, clustered: bool, seed: int = SEED
) -> float:
    """Return the same share of one person whose requests are even, or come in clusters."""
    chance = random.Random(seed)
    moments, now = [], 0.0
    for _ in range(actions):
        if clustered:
            now += chance.expovariate(rate / ACTION_REQUESTS)
            spread = (now + chance.uniform(0, ACTION_SECONDS) for _ in range(ACTION_REQUESTS))
            moments += list(spread)
        else:
            now += chance.expovariate(rate)
            moments.append(now)
    reads = held = 0
    wrote_at = -pin - 1
    for moment in sorted(moments):
        if chance.random() < write_share:
            wrote_at = moment
            continue
        reads += 1
        held += moment - wrote_at < pin
    return held / reads


def lag_seconds(wal_bytes: float, *, piece: float, network: float = 0.001) -> float:
    """Return how far a replica is behind in the mean: M/D/1. Endless where it can't keep up."""
    use = wal_bytes / REPLAY_BYTES
    if use >= 1:
        return float("inf")
    service = piece / REPLAY_BYTES
    return network + service + use * service / (2 * (1 - use))


@dataclass(frozen=True)
class Shares:
    """Busy cores of one user's share of the load, by what can move."""

    writes: float
    reads: float
    pinned: float
    """Share of the reads that can't move."""

    def primary(self, replicas: int) -> float:
        return self.writes + self.reads * (self.pinned if replicas else 1.0)

    def replica(self, replicas: int) -> float:
        return self.writes * REPLAY_SHARE + self.reads * (1 - self.pinned) / replicas

    def most_users(self, replicas: int, cores: float) -> float:
        """Return how many users machines with so many usable cores carry."""
        busiest = self.primary(replicas)
        if replicas:
            busiest = max(busiest, self.replica(replicas))
        return cores / busiest


def shares(usage: Usage, costs: Costs, *, pinned: float, reads_times: float = 1.0) -> Shares:
    """Return one user's share. `reads_times`: a product whose own reads cost so many times ours."""
    below = stores(usage, costs)
    return Shares(
        writes=(below.postgres_cores - below.replica_cores) / usage.users,
        reads=below.replica_cores * reads_times / usage.users,
        pinned=pinned,
    )
