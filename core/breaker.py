"""Keeps a store that is away from costing every caller a time-out."""

import threading
import time

import structlog

log = structlog.get_logger(__name__)

REST_SECONDS = 1.0


class StoreUnavailableError(Exception):
    """Redis can't be used now. No reason to refuse a request: every caller has a fall-back."""


class Breaker:
    """Closed: calls go through. Open: they fail at once until, after a rest, one caller probes.

    Each change of state is logged once. Every change begins a new `round`; what happens to a call
    counts only in the round in which the call began, so that stragglers of one outage do not
    begin the next.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.round = 0
        self._is_open = False
        self._lock = threading.Lock()
        self._probing = False
        self._probe_at = 0.0
        self._opened_at = 0.0

    def is_closed(self) -> bool:
        return not self._is_open

    def must_probe(self) -> bool:
        """Return False if calls go through, True to the one caller who has to try it first.

        Raises StoreUnavailableError for everybody else.
        """
        if not self._is_open:
            return False
        with self._lock:
            if self.is_closed():  # by another caller's probe, just now
                return False
            if self._probing or time.monotonic() < self._probe_at:
                raise StoreUnavailableError(f"{self.name} is unavailable")
            self._probing = True
            return True

    def open(self, error: Exception, *, seen_in_round: int) -> None:
        with self._lock:
            if self._is_open or seen_in_round != self.round:
                return
            self.round += 1
            self._is_open = True
            self._opened_at = time.monotonic()
            self._probe_at = self._opened_at + REST_SECONDS
        log.warning(f"{self.name}.unavailable", error=f"{type(error).__name__}: {error}")

    def rest(self) -> None:
        """The probe failed, or never came to an end."""
        with self._lock:
            self._probing = False
            self._probe_at = time.monotonic() + REST_SECONDS

    def close(self) -> None:
        """The probe succeeded."""
        with self._lock:
            self.round += 1
            self._is_open = False
            self._probing = False
            away = time.monotonic() - self._opened_at
        log.info(f"{self.name}.back", away_seconds=round(away, 3))
