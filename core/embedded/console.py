"""How `make run` talks: named steps with their times, no wall of logs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

CLEAR_LINE = "\r\033[K"


class Console:
    """Writes to a terminal, a pipe or, after a hang-up, to nobody."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._coloured = self._is_terminal and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        self._write(f"{text}\n")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show the name while the block runs (on a terminal) and its time when it is done."""
        with self.steps(name) as done:
            yield
            done(name)

    @contextmanager
    def steps(self, name: str) -> Iterator["Done"]:
        """Like `step`, for a block that reports several things as they get done."""
        done = Done(self)
        self._note(f"  … {name}")
        try:
            yield done
        finally:
            self._note("")

    def done(self, name: str, seconds: float) -> None:
        self._note("")
        self.say(f"  {self.green('✓')} {name:<40}{seconds:6.1f} s")

    def bold(self, text: str) -> str:
        return self._styled(text, 1)

    def green(self, text: str) -> str:
        return self._styled(text, 32)

    def _styled(self, text: str, code: int) -> str:
        return f"\033[{code}m{text}\033[0m" if self._coloured else text

    def _note(self, text: str) -> None:
        if self._is_terminal:
            self._write(CLEAR_LINE + text)

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a closed terminal must not keep us from stopping
            self._out.write(text)
            self._out.flush()


class Done:
    """Call it with what got done; the time counts from the previous call."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since = time.monotonic()

    def __call__(self, name: str) -> None:
        now = time.monotonic()
        self._console.done(name, now - self._since)
        self._since = now
