"""Says the same thing once a minute: code may ask for a missing flag a thousand times a second."""

import time

SECONDS = 60.0
MOST = 10_000
"""Different complaints that are remembered."""

_said: dict[str, float] = {}


def is_due(what: str) -> bool:
    """Tell whether this was not said within the last minute, and note that it is said now."""
    now = time.monotonic()
    if now - _said.get(what, -SECONDS) < SECONDS:
        return False
    if len(_said) >= MOST:
        _said.clear()
    _said[what] = now
    return True


def forget() -> None:
    _said.clear()
