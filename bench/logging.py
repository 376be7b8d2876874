"""What one line of the log costs the thread that logs it: python -m bench.logging."""

import os
import statistics
import sys
import time
from collections.abc import Callable

import structlog
from structlog.contextvars import bind_contextvars

from core import logging

LINES = 5000
ROUNDS = 7


def microseconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(LINES):
        function()
    spent = time.perf_counter() - started
    logging.flush()
    return spent / LINES * 1e6


def main() -> None:
    logging.configure_logging(level="INFO", format="json")
    logging.writer.descriptor = os.open(os.devnull, os.O_WRONLY)
    log = structlog.get_logger("http")
    cases = {
        "two fields": lambda: log.info("cache.filled", key_count=3, duration_ms=1.5),
        "below the level": lambda: log.debug("cache.filled", key_count=3),
        "free text": lambda: log.info("job.failed", error="no route to host"),
    }
    figures: dict[str, list[float]] = {name: [] for name in [*cases, "a request's eight fields"]}
    for _ in range(ROUNDS):
        for name, function in cases.items():
            figures[name].append(microseconds(function))
    bind_contextvars(
        request_id="5f0c1f64a7f04d0f8a1c3f2d9b8e7a60",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        ip_address="203.0.113.7",
        method="GET",
        path="/api/v1/notifications",
        user_id="0190aaaa-bbbb-7ccc-8ddd-0123456789ab",
    )
    for _ in range(ROUNDS):
        spent = microseconds(lambda: log.info("http.request", status=200, duration_ms=1.5))
        figures["a request's eight fields"].append(spent)
    for name, seen in figures.items():
        sys.stdout.write(f"{name:<32}{statistics.median(seen):>8.2f} µs\n")


if __name__ == "__main__":
    main()
