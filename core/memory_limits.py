"""The moving window in this process's memory, for as long as Redis is away.

Each process counts by itself, so N processes let N times the limit through at worst. That keeps
sign-in limited while the store is down, and is far from letting a guesser run free.
"""

import threading
import time
from collections import OrderedDict, deque

MAX_STAMPS = 200_000
"""Of all keys together, about 10 MB: beyond it the keys used longest ago are forgotten."""


class MemoryLimits:
    def __init__(self, *, max_stamps: int = MAX_STAMPS) -> None:
        self._max_stamps = max_stamps
        self._lock = threading.Lock()
        self._stamps: OrderedDict[str, deque[int]] = OrderedDict()  # used last stands last
        self._count = 0

    def hit(
        self, key: str, *, limit: int, window: int, count: int = 1
    ) -> tuple[int, int, int, int]:
        """Answer exactly as the script in Redis does: allowed, used, wait, stamp; microseconds."""
        now = time.monotonic_ns() // 1000
        with self._lock:
            stamps = self._stamps.setdefault(key, deque())
            self._stamps.move_to_end(key)
            self._drop(stamps, until=now - window)
            used = len(stamps)
            if used + count > limit:
                excess = used + count - limit
                oldest = stamps[excess - 1] if excess <= used else now
                return 0, used, oldest + window - now, 0
            stamps.extend([now] * count)
            self._count += count
            self._forget_oldest()
            return 1, len(stamps), stamps[0] + window - now, now

    def give_back(self, key: str, stamp: int, *, count: int = 1) -> None:
        with self._lock:
            stamps = self._stamps.get(key, deque())
            for _ in range(min(count, stamps.count(stamp))):
                stamps.remove(stamp)
                self._count -= 1

    def _drop(self, stamps: deque[int], *, until: int) -> None:
        while stamps and stamps[0] <= until:
            stamps.popleft()
            self._count -= 1

    def _forget_oldest(self) -> None:
        while self._count > self._max_stamps and len(self._stamps) > 1:
            _, stamps = self._stamps.popitem(last=False)
            self._count -= len(stamps)
