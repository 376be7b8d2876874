"""What some work costs, in units that are the same on every machine."""

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

TRANSACTION = ("SAVEPOINT", "RELEASE", "SET CONSTRAINTS")


@dataclass(frozen=True)
class Cost:
    statements: int
    """Without those that begin and end a transaction."""
    trips: int
    """Questions to Redis, each of which the thread waits for."""
    calls: int
    """Of functions, in Python and in C."""
    kib: float
    """Of memory, at the peak, above what was there before."""


def cost(work: Callable[[], Any]) -> Cost:
    """Do it four times: to be warm, for its statements, for its calls, and for its memory."""
    work()
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = [each for each in captured if not each["sql"].startswith(TRANSACTION)]
    return Cost(len(statements), *calls(work), _peak(work))


def calls(work: Callable[[], Any]) -> tuple[int, int]:
    """Return the questions to Redis, and the calls of functions."""
    called = trips = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal called, trips
        called += event in {"call", "c_call"}
        trips += event == "c_call" and argument.__name__ == "sendall"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return trips, called


def _peak(work: Callable[[], Any]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
