"""Tells the log once that the database went away, and once that it is back."""

import threading
import time

import structlog

log = structlog.get_logger(__name__)


class Outage:
    def __init__(self) -> None:
        self._since: float | None = None
        self._lock = threading.Lock()

    def begun(self, error: Exception) -> None:
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()
                log.warning("worker.database_away", error=str(error).strip().splitlines()[:1])

    def over(self) -> None:
        with self._lock:
            if self._since is not None:
                seconds = round(time.monotonic() - self._since, 1)
                self._since = None
                log.info("worker.database_back", away_seconds=seconds)
