"""The processes of `make run`: started together, watched, ended together."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from core.embedded import processes
from core.embedded.errors import EmbeddedError
from core.lifecycle import PARENT_VARIABLE

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05
MARK = "--exit-with-parent"
"""On the command line of every child: how a later run tells a leftover from a stranger."""


class Child:
    """A process in a session of its own, whose output is held back until it is released."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.last_lines: deque[bytes] = deque(maxlen=30)
        self.shown = False
        self.process = subprocess.Popen(  # noqa: S603  words of our own, no shell
            [*command, MARK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, PARENT_VARIABLE: str(os.getpid())},
            start_new_session=True,
        )
        self._pump = threading.Thread(target=self._pass_on, daemon=True)
        self._pump.start()

    def ended_badly(self) -> EmbeddedError:
        self._pump.join(timeout=1)  # its last words may still be on their way
        words = b"".join(self.last_lines).decode(errors="replace").rstrip()
        code = self.process.returncode
        return EmbeddedError(f"The {self.name} ended with exit code {code}.\n{words}".rstrip())

    def _pass_on(self) -> None:
        assert self.process.stdout  # noqa: S101  for the type checker
        for line in self.process.stdout:
            self.last_lines.append(line)
            if self.shown:
                with suppress(OSError, ValueError):
                    sys.stdout.buffer.write(line)
                    sys.stdout.buffer.flush()


class Supervisor:
    def __init__(self, folder: Path) -> None:
        self._record = folder / "children.json"
        self._children: list[Child] = []
        self._deaths: SimpleQueue[Child] = SimpleQueue()

    def end_leftovers(self) -> None:
        """End what a run that was killed left behind: it notices by itself, but takes a moment."""
        try:
            pids = [int(pid) for pid in json.loads(self._record.read_text())]
        except (OSError, ValueError, TypeError):
            return
        for pid in pids:
            if MARK in processes.command_line(pid):
                processes.end(pid, sign=signal.SIGTERM, patience_seconds=2)
        self._record.unlink()

    def spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        child = Child(name, command, environment)
        self._children.append(child)
        self._record.write_text(json.dumps([child.process.pid for child in self._children]))
        threading.Thread(target=self._await_death, args=[child], daemon=True).start()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready` says so. Raises EmbeddedError if a child dies first."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            with suppress(Empty):
                raise self._deaths.get(timeout=LOOK_SECONDS).ended_badly()
            if time.monotonic() > deadline:
                raise EmbeddedError("The server does not become ready: see /health/ready.")

    def show_output(self) -> None:
        for child in self._children:
            child.shown = True

    def wait_for_a_death(self, other: Callable[[], EmbeddedError | None]) -> EmbeddedError:
        """Return how the first child ended, or what `other` tells of, asked every second."""
        while True:
            with suppress(Empty):
                return self._deaths.get(timeout=1.0).ended_badly()
            if error := other():
                return error

    def stop(self) -> None:
        """End all children, at the same time; kill what does not listen."""
        for child in self._children:
            child.shown = False  # how they end is no news to whoever ended them
            child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            try:
                child.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children.clear()
        self._record.unlink(missing_ok=True)

    def _await_death(self, child: Child) -> None:
        child.process.wait()
        self._deaths.put(child)
