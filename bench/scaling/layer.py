"""The channel layer over several Valkey hosts: which host and which process gets how much.

Organizations are of very different sizes, and what is said in one grows with its members. Each
organization's channel lives on one host, chosen as HubChannelLayer chooses: crc32 of its name.
"""

import random
from dataclasses import dataclass
from math import exp
from zlib import crc32

SEED = 20_263
GROUP = "tenantry:group:stream.organization."


@dataclass(frozen=True)
class Spread:
    hottest_over_mean: float
    """What the busiest host publishes, over the mean of all."""
    copies: float
    """Processes that a message has to reach, in the mean of the messages."""
    largest_share: float
    """Of all that is said, what the largest organization says."""


def sizes(count: int, *, mean: float, spread: float, seed: int = SEED) -> list[int]:
    """Return log-normal sizes of that mean, the least being one."""
    chance = random.Random(seed)
    middle = mean / exp(spread**2 / 2)
    return [max(1, round(middle * exp(chance.gauss(0, spread)))) for _ in range(count)]


def host_of(number: int, hosts: int) -> int:
    return crc32((GROUP + organization(number)).encode()) % hosts


def organization(number: int) -> str:
    """Return an id as organizations have them, a millisecond apart."""
    return f"019a0000-{number >> 16:04x}-7000-8000-{number & 0xFFFF:012x}"


def processes_reached(listeners: float, processes: int) -> float:
    """Return how many of the processes have one of so many listeners, who are dealt by chance."""
    missed: float = (1 - 1 / processes) ** listeners
    return processes * (1 - missed)


def simulate_reached(listeners: int, processes: int, *, rounds: int, seed: int = SEED) -> float:
    chance = random.Random(seed)
    seen = sum(len({chance.randrange(processes) for _ in range(listeners)}) for _ in range(rounds))
    return seen / rounds


def spread_of(members: list[int], *, hosts: int, processes: int, online_share: float) -> Spread:
    """Deal organizations to hosts and listeners to processes; weigh by what each says."""
    published = [0.0] * hosts
    reached = 0.0
    for number, size in enumerate(members):
        published[host_of(number, hosts)] += size
        reached += size * processes_reached(size * online_share, processes)
    said = sum(members)
    return Spread(
        hottest_over_mean=max(published) * hosts / said,
        copies=reached / said,
        largest_share=max(members) / said,
    )
