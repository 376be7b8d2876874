"""How much one connection may ask for, and get wrong."""

import time

RATE = 20
"""Messages a second that a client may send, for BURST_SECONDS on end."""
BURST_SECONDS = 5
MALFORMED_IN_A_ROW = 10
REFUSED_SUBSCRIPTIONS = 20


class Allowance:
    """A bucket of RATE times BURST_SECONDS messages that fills with RATE a second."""

    def __init__(self) -> None:
        self._left = float(RATE * BURST_SECONDS)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Count one message; False when there were too many."""
        now = time.monotonic()
        self._left = min(RATE * BURST_SECONDS, self._left + (now - self._at) * RATE)
        self._at = now
        self._left -= 1
        return self._left >= 0
