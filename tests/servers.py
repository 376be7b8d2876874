"""Real server processes on the test database, for what only shows over a socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings

from tests.core.jobs.queues import database_url

READY_SECONDS = 30
MANAGE = ["-m", "tests.lean", "manage.py"]


class Server:
    """One `manage.py serve`, or another server of config.asgi, on a port of its own."""

    def __init__(
        self, log: Path, *, command: list[str] | None = None, port: int = 0, **environment: str
    ) -> None:
        self.port = port or free_port()
        self.log = log
        self.base = f"http://127.0.0.1:{self.port}"
        given = command or [*MANAGE, "serve", "--port", "{port}", "--exit-with-parent"]
        words = [word.format(port=self.port) for word in given]
        addresses = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
        hosts = {"ALLOWED_HOSTS": "127.0.0.1,localhost", "DRAIN_S": "0"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                env={**os.environ, **addresses, **hosts, **environment},
                stdout=output,
                stderr=output,
            )

    def wait_until_ready(self) -> "Server":
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("/health/live").status_code == 200:
                    return self
            except httpx2.TransportError:
                time.sleep(0.05)  # there is no event of another process's port to await
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def get(self, path: str, **options: Any) -> Any:
        return ask("GET", self.base + path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return ask("POST", self.base + path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return ask("DELETE", self.base + path, **options)

    def connect(self) -> socket.socket:
        """Open a bare connection, for bytes that no HTTP library sends."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(35)

    def end(self) -> None:
        """Leave nothing running: asked first, so that a server's own children end with it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ask(method: str, url: str, *, timeout: float = 15, **options: Any) -> Any:
    # Without certificates to check: reading the system's takes longer than the request.
    return httpx2.request(method, url, timeout=timeout, trust_env=False, verify=False, **options)


@contextmanager
def running(log: Path, **options: Any) -> Iterator[Server]:
    server = Server(log, **options)
    try:
        yield server.wait_until_ready()
    finally:
        server.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
