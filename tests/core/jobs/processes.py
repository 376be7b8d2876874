"""Real worker processes, followed by what they log."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60.0


class WorkerProcess:
    """`manage.py worker` of its own; killed at the end of the block if it still lives."""

    def __init__(self, *arguments: str, database_url: str, **jobs: float) -> None:
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--exit-with-parent", *arguments],
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

    def logged(self, event: str, **facts: object) -> dict[str, Any]:
        """Wait for a line of the log with this event and these facts."""
        with self._news:
            self._news.wait_for(
                lambda: self.find(event, **facts) or self._ended, PATIENCE_SECONDS
            )
        line = self.find(event, **facts)
        assert line is not None, f"never logged {event} {facts}: {self.lines}"
        return line

    def find(self, event: str, **facts: object) -> dict[str, Any] | None:
        return next((line for line in self.all(event, **facts)), None)

    def all(self, event: str, **facts: object) -> list[dict[str, Any]]:
        return [
            line
            for line in list(self.lines)
            if line.get("event") == event
            and all(line.get(name) == value for name, value in facts.items())
        ]

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(text))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def environment(database_url: str, jobs: dict[str, float] | None = None) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.core.jobs.quick_settings",
        "DEBUG_JOBS": "1",
        "LOG_FORMAT": "json",
        "TEST_JOBS": json.dumps(jobs or {}),
    }
