"""How long a change of a flag takes until other processes answer by it."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from core.embedded.services import Services
from core.embedded.valkey import Valkey

WATCHERS = 4
CHANGES, PAUSE = 250, 0.02
ALONE, PAUSE_ALONE = 6, 3.7
"""Changes while nothing is told; the pause is no divisor of the time between two looks."""
PATIENCE_SECONDS = 15.0


def measure(running: Services, variables: dict[str, str]) -> dict[str, Any]:
    """Return milliseconds from the commit until the last process answers by it."""
    with ExitStack() as stack:
        changer = _start("change", variables, stack)
        logs = [Path(variables["TENANTRY_HOME"], f"watch-{n}") for n in range(WATCHERS)]
        for log in logs:
            _start("watch", variables, stack, log)
        time.sleep(1)  # what they were told while they began to listen has passed
        told = _ordered(changer, logs, changes=CHANGES, pause=PAUSE)
        (valkey,) = [server for server in running.servers if isinstance(server, Valkey)]
        valkey.stop()
        alone = _ordered(changer, logs, changes=ALONE, pause=PAUSE_ALONE)
    return {"told": _spread(told), "alone": _spread(alone)}


def _start(
    role: str, variables: dict[str, str], stack: ExitStack, log: Path | None = None
) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.flags.watching", role],
        env=variables | {"LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=log.open("w") if log else subprocess.PIPE,
        text=True,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    if log is None:
        assert process.stdout is not None
        process.stdout.readline()
        return process
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("a process that follows the flags did not start")
        time.sleep(0.05)
    return process


def _ordered(
    changer: "subprocess.Popen[str]", logs: list[Path], *, changes: int, pause: float
) -> list[list[float]]:
    """Return for each change how many milliseconds each process took to see it."""
    assert changer.stdin is not None
    assert changer.stdout is not None
    changer.stdin.write(json.dumps({"changes": changes, "pause": pause}) + "\n")
    changer.stdin.flush()
    made = json.loads(changer.stdout.readline())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(_seen(log, made[-1][0]) for log in logs):
        if time.monotonic() > deadline:
            raise RuntimeError("a change was never seen")
        time.sleep(0.1)
    return [[(_seen(log, version) - at) / 1e6 for log in logs] for version, at in made]


def _seen(log: Path, version: int) -> int:
    """Return when a process answered by this version or a later one; 0: not yet."""
    for line in log.read_text().splitlines():
        words = line.split()
        if len(words) == 2 and int(words[0]) >= version:
            return int(words[1])
    return 0


def _spread(times: list[list[float]]) -> dict[str, float]:
    last = sorted(max(each) for each in times)
    return {
        "changes": len(last),
        "p50_ms": last[len(last) // 2],
        "p99_ms": last[min(len(last) - 1, len(last) * 99 // 100)],
        "worst_ms": last[-1],
    }
