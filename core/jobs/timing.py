"""How often, how long, how many times: the numbers of the job system in one place."""

import dataclasses
from secrets import SystemRandom

from django.conf import settings

_random = SystemRandom()


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Lengths of time in seconds. `settings.JOBS` may override any of them by name."""

    poll: float = 1.0
    """A notification wakes a worker at once; this finds what came due or was put back."""
    heartbeat: float = 5.0
    stalled: float = 30.0
    """A worker silent for this long is taken for dead; its jobs run again elsewhere."""
    steady: float = 10.0
    """A worker calls others dead only after its own heartbeat has held this long: when PostgreSQL
    comes back from an outage every heartbeat is old, and nobody has died."""
    grace: float = 20.0
    """What running jobs get to finish after SIGTERM."""
    retry_base: float = 5.0
    retry_cap: float = 3600.0
    deaths: int = 3
    """So many workers may die under one job before it is parked."""


def timing() -> Timing:
    return Timing(**getattr(settings, "JOBS", {}))


def retry_delay_seconds(*, attempts: int) -> float:
    """Return the wait after `attempts` failures: 5 s, 10 s, 20 s … at most an hour.

    Up to a fifth is taken off at random, so that jobs that failed together don't return together.
    """
    numbers = timing()
    exponent = min(attempts - 1, 30)  # 5 s doubled 30 times is beyond any cap
    longest: float = min(numbers.retry_base * 2**exponent, numbers.retry_cap)
    return longest * _random.uniform(0.8, 1.0)
