"""What an app wants done after every `migrate`, because it concerns tables of other apps too."""

from collections.abc import Callable

_steps: list[Callable[[], None]] = []


def register(step: Callable[[], None]) -> None:
    """Add a step; it runs as the owner of the tables, and has to be harmless when repeated."""
    _steps.append(step)


def run() -> None:
    for step in _steps:
        step()
