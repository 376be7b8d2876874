"""What a hot path costs at several sizes, and how fast that grows.

Growth is the exponent: cost is about size to this power, between the first size and the last. 0 is
a cost that does not care, 1 one that doubles with the size.
"""

import math
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

LEVEL = 0.15
"""May a cost grow so, it is little more after a thousand times as much: a tree has a level more."""
BOUNDED = 0.35
"""Up to a bound, and no further: until a page is full, or as far as the admin counts, to 10 000."""
LINEAR = 1 + LEVEL
BULKY = 1 + 2 * LEVEL
"""Reading or removing all of a tenant: between its rows lie others', and in the indexes, until the
vacuum comes by, what went before.
"""
ROUNDS = 9


@dataclass
class Line:
    """A hot path: what it cost at each size."""

    name: str
    unit: str
    most: float
    """The exponent by which anything of it may grow."""
    seen: dict[int, float] = field(default_factory=dict)
    beside: dict[str, dict[int, float]] = field(default_factory=dict)
    """What does not depend on the machine's mood, by its name: statements, pages, KiB."""
    panel: str = ""
    """The panel of the plot in which it is drawn; empty: it stands in the table alone."""

    @property
    def growth(self) -> float:
        return max(map(exponent, [self.seen, *self.beside.values()]))

    @property
    def is_steeper_than_it_may(self) -> bool:
        return self.growth > self.most


@dataclass
class Path:
    """What is asked at one size. `before` makes ready what one ask uses up, untimed."""

    name: str
    ask: Callable[[], object]
    most: float = LEVEL
    before: Callable[[], object] | None = None
    is_drawn: bool = False
    rounds: int = ROUNDS
    """1: it is asked a single time, as it takes long or can be done once."""

    def make_ready(self) -> None:
        if self.before is not None:
            self.before()


class Lines:
    """The lines of a subject, as they come in size by size."""

    def __init__(self) -> None:
        self.by_name: dict[str, Line] = {}

    def ask(self, size: int, paths: Iterable[Path]) -> None:
        for path in paths:
            found = cost(path)
            panel = "ms" if path.is_drawn else ""
            line = self.line(path.name, "ms", path.most, panel=panel)
            line.seen[size] = found.pop("ms")
            for name, value in found.items():
                line.beside.setdefault(name, {})[size] = value
            told = " ".join(f"{name}={value:.4g}" for name, value in found.items())
            print(f"  {size:>9} {path.name:<36}{line.seen[size]:>10.2f} ms  {told}", flush=True)

    def note(
        self, name: str, size: int, value: float, unit: str, most: float, *, is_drawn: bool = True
    ) -> None:
        """Take down a figure of something else than a request, and draw it with those alike."""
        self.line(name, unit, most, panel=unit if is_drawn else "").seen[size] = value
        print(f"  {size:>9} {name:<36}{value:>10.2f} {unit}", flush=True)

    def line(self, name: str, unit: str, most: float, *, panel: str) -> Line:
        return self.by_name.setdefault(name, Line(name, unit, most, panel=panel))

    def as_json(self) -> list[Any]:
        return [asdict(each) for each in self.by_name.values()]


def from_json(found: list[Any]) -> list[Line]:
    """Return what `as_json` gave; JSON knows sizes as texts alone."""
    return [
        Line(**{
            **each,
            "seen": _by_size(each["seen"]),
            "beside": {name: _by_size(seen) for name, seen in each["beside"].items()},
        })
        for each in found
    ]  # fmt: skip


def _by_size(seen: Mapping[str, float]) -> dict[int, float]:
    return {int(size): value for size, value in seen.items()}


def exponent(seen: Mapping[int, float]) -> float:
    first, last = min(seen), max(seen)
    if first == last or seen[first] <= 0 or seen[last] <= 0:
        return 0.0
    return math.log(seen[last] / seen[first]) / math.log(last / first)


def cost(path: Path) -> dict[str, float]:
    """Return the median of the milliseconds, and what one ask takes of all else."""
    if path.rounds == 1:
        return timed(path)
    path.make_ready()
    path.ask()  # warm
    rounds = [timed(path) for _ in range(path.rounds)]
    found = {name: median(one[name] for one in rounds) for name in rounds[0]}
    return found | {"statements": _statements(path), "KiB": _peak_kib(path)}


def timed(path: Path) -> dict[str, float]:
    path.make_ready()
    read = pages_read()
    started = time.perf_counter()
    path.ask()
    spent = (time.perf_counter() - started) * 1e3
    return {"ms": spent, "pages": max(0, pages_read() - read)}


def pages_read() -> int:
    """Return how many pages this connection has read of the database so far, cached or not."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(coalesce(hits, 0) + coalesce(reads, 0))::bigint"
            " FROM pg_stat_get_backend_io(pg_backend_pid())"
        )
        return int(cursor.fetchone()[0])


def _statements(path: Path) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    path.make_ready()
    with CaptureQueriesContext(connection) as captured:
        path.ask()
    return len(captured)


def _peak_kib(path: Path) -> float:
    path.make_ready()
    tracemalloc.start()
    try:
        path.ask()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
