"""Real worker processes, followed by what they log."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers import MANAGE

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60.0

Line = dict[str, Any]


class Journal:
    """The log lines of one process or several, in the order they came."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._news = threading.Condition()
        self._ended = False

    def add(self, line: Line) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def end(self) -> None:
        with self._news:
            self._ended = True
            self._news.notify_all()

    def all(self, event: str, **facts: object) -> list[Line]:
        """Return the lines so far with this event and these facts."""
        wanted = {"event": event, **facts}
        return [line for line in list(self.lines) if wanted.items() <= _flat(line).items()]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; it is looked at after each line."""
        with self._news:
            self._news.wait_for(lambda: holds() or self._ended, PATIENCE_SECONDS)
        assert holds(), f"it never held: {self.lines}"


class WorkerProcess:
    """`manage.py worker` of its own; killed at the end of the block if it still lives."""

    def __init__(
        self, *arguments: str, database_url: str, journal: Journal | None = None, **jobs: float
    ) -> None:
        self.journal = journal or Journal()
        self.process = subprocess.Popen(
            [sys.executable, *MANAGE, "worker", "--exit-with-parent", *arguments],
            cwd=ROOT,
            env=environment(database_url, jobs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.kill()
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def logged(self, event: str, **facts: object) -> Line:
        """Wait for a line with this event and these facts."""
        self.journal.wait_for(lambda: bool(self.journal.all(event, **facts)))
        return self.journal.all(event, **facts)[0]

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            self.journal.add(json.loads(text))
        self.journal.end()


def environment(database_url: str, jobs: dict[str, float] | None = None) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.core.jobs.quick_settings",
        "DEBUG_JOBS": "1",
        "LOG_FORMAT": "json",
        "TEST_JOBS": json.dumps(jobs or {}),
    }


def _flat(line: Line) -> dict[str, object]:
    return {name: value for name, value in line.items() if not isinstance(value, dict | list)}
