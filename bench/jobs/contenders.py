"""The systems that are compared: a worker each, and a process that enqueues."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil

from bench.jobs.slots import Slots

CONCURRENCY = 8
"""As our worker's default: threads of ours and of procrastinate, processes of Celery."""
OURS, PLAIN, CELERY, LATE = "ours", "procrastinate", "Celery", "Celery, acks late"
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.01
_WORKERS = {
    OURS: ["manage.py", "worker", "--concurrency", str(CONCURRENCY)],
    PLAIN: ["-m", "django", "procrastinate", "worker", "--concurrency", str(CONCURRENCY)],
    CELERY: ["-m", "celery", "-A", "bench.peers.celery_app", "worker", "--loglevel", "INFO",
             "--pool", "prefork", "--concurrency", str(CONCURRENCY)],
}  # fmt: skip
_ASKERS = {OURS: "ours", PLAIN: "plain", CELERY: "celery", LATE: "celery"}


@dataclass
class Contender:
    name: str
    variables: dict[str, str]
    slots: Slots
    log: Path
    asker: "subprocess.Popen[str] | None" = None
    worker: "subprocess.Popen[bytes] | None" = None
    next_number: int = 0
    killed: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        self.start_worker()
        self.asker = subprocess.Popen(
            [sys.executable, "-m", "bench.jobs.asking", _ASKERS[self.name]],
            env=self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()
        first = self.order("one", count=1)["first"]  # the worker is up when it has worked this
        self.until(lambda: self.slots.ended(first, 1) == 1, "the first job")

    def start_worker(self) -> None:
        with self.log.open("ab") as output:
            self.worker = subprocess.Popen(
                [sys.executable, *_WORKERS[CELERY if self.name == LATE else self.name]],
                env=self.variables,
                stdout=output,
                stderr=output,
            )

    def order(self, how: str, *, count: int, **words: float) -> dict[str, Any]:
        """Have jobs enqueued; return their first number and what the asker tells."""
        assert self.asker is not None
        assert self.asker.stdin is not None
        first = self.next_number
        self.next_number += count
        print(
            json.dumps({"how": how, "first": first, "count": count, **words}),
            file=self.asker.stdin,
            flush=True,
        )
        return {"first": first, "told": json.loads(self._answer())}

    def _answer(self) -> str:
        assert self.asker is not None
        assert self.asker.stdout is not None
        line = self.asker.stdout.readline()
        if not line:
            raise RuntimeError(f"who enqueues for {self.name} has ended")
        return line

    def until(self, done: Callable[[], bool], what: str) -> None:
        assert self.worker is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > deadline or self.worker.poll() is not None:
                told = self.log.read_text()[-2000:]
                raise RuntimeError(f"{self.name}: no end of {what}; its worker said:\n{told}")
            time.sleep(LOOK_SECONDS)

    def processes(self) -> list[psutil.Process]:
        assert self.worker is not None
        parent = psutil.Process(self.worker.pid)
        return [parent, *parent.children(recursive=True)]

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill_worker(self) -> None:
        """End it as a lack of memory or power does: all at once, without a word."""
        assert self.worker is not None
        self._signal(signal.SIGKILL)
        self.worker.wait()

    def cpu_seconds(self) -> float:
        return sum(map(used, self.processes()))

    def stop(self) -> None:
        if self.asker is not None:
            self.asker.kill()
            self.asker.wait()
        if self.worker is not None and self.worker.poll() is None:
            self.kill_worker()

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            process.send_signal(number)


def used(process: psutil.Process) -> float:
    """Return the CPU of a process, and of those of its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def used_by_servers(pids: list[int]) -> float:
    """Return the CPU of PostgreSQL and Valkey, with all processes of theirs."""
    parents = [psutil.Process(pid) for pid in pids]
    return sum(
        used(each) for parent in parents for each in (parent, *parent.children(recursive=True))
    )


def contenders(variables: dict[str, str], slots: Slots, *, soon: bool) -> list[Contender]:
    """Return all of them, each with a database of its own; `soon`: dead workers are missed soon."""
    folder = Path(variables["TENANTRY_HOME"])
    common = variables | {"BENCH_SLOTS": str(folder / "slots")}
    if soon:
        common["BENCH_SOON"] = "1"
    of_each = {
        OURS: {"DJANGO_SETTINGS_MODULE": "bench.jobs.settings"},
        PLAIN: {"DJANGO_SETTINGS_MODULE": "bench.peers.procrastinate_peer.settings"},
        CELERY: {"CELERY_BROKER": _database(variables, 1)},
        LATE: {"CELERY_BROKER": _database(variables, 2), "CELERY_LATE": "1"},
    }
    return [
        Contender(name, common | own, slots, folder / f"worker-{number}.log")
        for number, (name, own) in enumerate(of_each.items())
    ]


def _database(variables: dict[str, str], number: int) -> str:
    return urlunsplit(urlsplit(variables["REDIS_URL"])._replace(path=f"/{number}"))
