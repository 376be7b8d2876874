"""Servers that are compared: started, asked, measured and ended by process id."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from core.embedded.state import free_port

READY_SECONDS = 30
END_SECONDS = 10
UVICORN = ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop",
           "--http", "httptools", "--no-access-log", "--log-level", "warning"]  # fmt: skip
"""As peers of HTTP are served; the application's name comes last."""


@dataclass
class Server:
    """One process on a port of its own. `paths` are where its lists are, by name and mode."""

    name: str
    command: list[str]
    token: str
    paths: dict[tuple[str, str], str]
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, environment: dict[str, str], log: Path) -> None:
        command = [sys.executable, *(word.format(port=self.port) for word in self.command)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name} did not start; it said:\n{log.read_text()[-2000:]}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU that the process and its threads have used, in it and in the kernel."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def read(self, path: str, *, token: str = "") -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        request.add_header("Authorization", f"Bearer {token or self.token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def load(
        self, path: str, *, seconds: float, connections: int, token: str = ""
    ) -> dict[str, float]:
        """Let the load generator run; return what it saw and the server's CPU a request."""
        order = {
            "port": self.port,
            "path": path,
            "token": token or self.token,
            "connections": connections,
            "seconds": seconds,
        }
        before = self.cpu_seconds()
        done = subprocess.run(
            [sys.executable, "-m", "bench.lab.load"],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=seconds + 40,
            check=False,
        )
        used = self.cpu_seconds() - before
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr.decode()[-2000:]}")
        seen: dict[str, float] = json.loads(done.stdout)
        return seen | {"cpu_us": used / seen["requests"] * 1e6}

    def _answers(self) -> bool:
        try:
            self.read(next(iter(self.paths.values())))
        except urllib.error.HTTPError:
            raise  # it answers, and wrongly
        except OSError:
            return False
        return True


def environment(addresses: dict[str, str]) -> dict[str, str]:
    """Return the variables for every process of the benchmark: production, but never refused."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return (
        inherited
        | addresses
        | {
            "READ_DOT_ENV": "0",
            "SECRET_KEY": "bench-only-0123456789-abcdefghijklmnopqrstuvwxyz",
            "PUBLIC_URL": "http://127.0.0.1",
            "EMAIL_URL": "memorymail://",
            "RATE_LIMITS": json.dumps({"user": "999999/60"}),
            "ACCESS_TTL_S": "3600",
            "DRAIN_S": "0",
            **{
                name: os.environ[name]
                for name in ("WEB_THREADS", "STOCK_POOL")
                if name in os.environ
            },
        }
    )
