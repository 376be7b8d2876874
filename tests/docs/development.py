"""A server and a worker as `make run` starts them, on the stores and the database of the test."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from core.embedded.state import free_port
from tests.core.jobs.queues import database_url
from tests.docs.pages import ROOT

PATIENCE_SECONDS = 60.0


class Development:
    """Both processes, from the moment the server is ready to the end of the block."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._start("serve", "--port", str(self.port))
            self._start("worker", "--concurrency", "1")
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._stop()

    def wait_for_mail(self) -> None:
        """Wait until a mail lies in the folder of development."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not list((self.home / "mail").glob("*.eml")):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        return "".join(path.read_text() for path in self.home.glob("*.log"))

    def _start(self, command: str, *options: str) -> None:
        environment = os.environ | {
            "DEBUG": "1",
            "DATABASE_URL": database_url(),
            "EMAIL_URL": "",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "TENANTRY_HOME": str(self.home),
            **self.settings,
        }
        with (self.home / f"{command}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "manage.py", command, "--exit-with-parent", *options],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_ready():
            assert all(process.poll() is None for process in self._processes), self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"{self.url}/health/ready", timeout=5):
            return True
        return False

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
