"""Where jobs write down that they ran, whoever runs them: a file that all processes map.

Each job has a slot of its own, so nobody waits for anybody, and writing takes about a microsecond.
"""

import mmap
import os
import struct
import time
from functools import cache
from pathlib import Path

COUNT = 100_000
_SLOT = struct.Struct("<ddd")
VARIABLE = "BENCH_SLOTS"


class Slots:
    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), COUNT * _SLOT.size)

    @classmethod
    def make(cls, path: Path) -> "Slots":
        path.write_bytes(bytes(COUNT * _SLOT.size))
        return cls(path)

    def run(self, n: int, *, seconds: float = 0.0) -> None:
        """Be job number `n`."""
        began = time.time()
        place = n * _SLOT.size
        runs = _SLOT.unpack_from(self._map, place)[2] + 1
        _SLOT.pack_into(self._map, place, began, 0.0, runs)
        if seconds:
            time.sleep(seconds)
        _SLOT.pack_into(self._map, place, began, time.time(), runs)

    def began(self, n: int) -> float:
        """Return when this job last began; 0: not yet."""
        found: float = _SLOT.unpack_from(self._map, n * _SLOT.size)[0]
        return found

    def ended(self, first: int, count: int) -> int:
        """Return how many of these jobs have come to their end."""
        return sum(bool(end) for _, end, _ in self._of(first, count))

    def begun(self, first: int, count: int) -> int:
        return sum(bool(runs) for _, _, runs in self._of(first, count))

    def again(self, first: int, count: int) -> int:
        """Return how many runs were not the first of their job."""
        return int(sum(max(0.0, runs - 1) for _, _, runs in self._of(first, count)))

    def _of(self, first: int, count: int) -> "list[tuple[float, float, float]]":
        part = self._map[first * _SLOT.size : (first + count) * _SLOT.size]
        return list(_SLOT.iter_unpack(part))


@cache
def of_this_run() -> Slots:
    return Slots(Path(os.environ[VARIABLE]))
