"""How long the local level of other processes answers by what was forgotten in one.

    python -m bench.cache.staleness watch | change SECONDS

is one of those processes.
"""

import json
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

WATCHERS = 4
LOCAL_SECONDS = 0.5
COMPUTE_SECONDS = 0.1
"""From reading what is true to having the value: it may be forgotten in between."""
LOOK_SECONDS = 0.001
MEAN_PAUSE = 0.7
TRUTH = "bench:truth"


def measure(variables: dict[str, str], *, seconds: float) -> dict[str, float]:
    """Return for how many milliseconds a process was behind, over all processes and changes."""
    with ExitStack() as stack:
        watchers = [_start(stack, variables, "watch") for _ in range(WATCHERS)]
        for watcher in watchers:
            watcher.stdout.readline()  # it has read the value once
        changer = _start(stack, variables, "change", str(seconds))
        forgotten: list[float] = json.loads(changer.stdout.readline())
        time.sleep(2 * LOCAL_SECONDS + 2 * COMPUTE_SECONDS)
        behind: list[float] = []
        for watcher in watchers:
            watcher.stdin.close()
            behind += late(forgotten, json.loads(watcher.stdout.readline()))
    behind.sort()
    return {
        "changes": len(forgotten),
        "seen": len(behind),
        "p50_ms": behind[len(behind) // 2],
        "p99_ms": behind[min(len(behind) - 1, len(behind) * 99 // 100)],
        "worst_ms": behind[-1],
    }


def late(forgotten: list[float], answers: list[tuple[int, float]]) -> list[float]:
    """Return for each change how long after it an older answer was still given.

    `answers` are the versions one process answered by, each with when it was asked for last.
    """
    if answers[-1][0] < len(forgotten):
        raise RuntimeError("a change was never seen")
    found = []
    for version, at in enumerate(forgotten, start=1):
        last = max((asked for answered, asked in answers if answered < version), default=at)
        found.append(max(0.0, (last - at) * 1e3))
    return found


def _start(stack: ExitStack, variables: dict[str, str], *words: str) -> "subprocess.Popen[Any]":
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cache.staleness", *words],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


# -- One process -----------------------------------------------------------------------------------
def main() -> None:
    import django

    django.setup()

    from core.cache import cached
    from core.redis import call

    @cached(expire=600, key_prefix="bench:version", local_seconds=LOCAL_SECONDS)
    def version() -> int:
        found: Any = call(lambda client: client.get(TRUTH))
        time.sleep(COMPUTE_SECONDS)
        return int(found or 0)

    def watch() -> list[tuple[int, float]]:
        print(version(), flush=True)
        ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        last: dict[int, float] = {}
        while not ended.wait(LOOK_SECONDS):
            asked = time.time()
            last[version()] = asked
        return list(last.items())

    def change(seconds: float) -> list[float]:
        forgotten: list[float] = []
        until = time.time() + seconds
        while time.time() < until:
            time.sleep(random.uniform(0.2, 1.8) * MEAN_PAUSE)
            call(lambda client: client.incr(TRUTH))
            version.forget()
            forgotten.append(time.time())
        return forgotten

    what, *words = sys.argv[1:]
    print(json.dumps(watch() if what == "watch" else change(float(words[0]))), flush=True)


if __name__ == "__main__":
    main()
