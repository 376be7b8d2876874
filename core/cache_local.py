"""An optional first level of the cache in this process: a third of a microsecond, briefly stale."""

import threading
import time
from collections import OrderedDict
from typing import Any, NamedTuple

CAPACITY = 1024
MISSING: Any = object()


class Begun(NamedTuple):
    """The moment at which somebody began to find a value, and so how long it may be believed."""

    epoch: int
    until: float


class LocalCache:
    """Holds the values used last, for `seconds` at most. Callers share the objects: leave them be.

    A forget in another process is not heard of; that is what bounds `seconds`.
    """

    def __init__(self, *, seconds: float, capacity: int = CAPACITY) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self.epoch = 0
        """Changes with every forget; a value that was begun in an earlier epoch is not kept."""

    def get(self, key: str) -> Any:
        entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return MISSING
        try:
            self._entries.move_to_end(key)
        except KeyError:  # evicted by another thread since
            return MISSING
        return entry[1]

    def begin(self) -> Begun:
        """Call before a value is read or computed: it may be forgotten elsewhere meanwhile."""
        return Begun(self.epoch, time.monotonic() + self._seconds)

    def put(self, key: str, value: Any, *, begun: Begun) -> None:
        with self._lock:
            if begun.epoch != self.epoch:
                return
            self._entries[key] = (begun.until, value)
            self._entries.move_to_end(key)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def forget(self, key: str) -> None:
        with self._lock:
            self.epoch += 1
            self._entries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self.epoch += 1
            self._entries.clear()
