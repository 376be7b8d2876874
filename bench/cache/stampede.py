"""Many ask for one value at the moment at which it expires: who computes it, and who waits?

    python -m bench.cache.stampede HOW THREADS SECONDS

is one process of those that ask. It tells when it is ready, begins when it is sent a line, and at
last tells of its computations and its waits.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from typing import Any

EXPIRE = 1
"""Seconds; Django's caches take whole ones."""
COMPUTE_SECONDS = 0.1
PAUSE_SECONDS = 0.002
"""Between two questions of one thread, which does something else meanwhile."""
OURS = "@cached"
HOWS = ["get, else set", "cache.get_or_set", "get, else set under cache.lock", OURS]
CROWDS = {"16 threads": (1, 16), "4 processes of 4 threads": (4, 4)}

Computed = list[tuple[float, float]]
"""When each began and ended."""


def measure(variables: dict[str, str], *, seconds: float) -> dict[str, dict[str, Any]]:
    """Return computations for each expiry, and waits, by crowd and way of asking."""
    return {
        crowd: {how: judge(_ask(how, *size, seconds, variables)) for how in HOWS}
        for crowd, size in CROWDS.items()
    }


def _ask(
    how: str, processes: int, threads: int, seconds: float, variables: dict[str, str]
) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "bench.cache.stampede", how, str(threads), str(seconds)]
    with ExitStack() as stack:
        running = []
        for _ in range(processes):
            process = subprocess.Popen(
                words, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            running.append((process.stdin, process.stdout))
        for _, answers in running:
            answers.readline()  # type: ignore[union-attr]
        for orders, _ in running:
            print("begin", file=orders, flush=True)
        return [json.loads(answers.readline()) for _, answers in running]  # type: ignore[union-attr]


def judge(told: list[dict[str, Any]]) -> dict[str, Any]:
    computed = sorted((began, ended) for one in told for began, ended in one["computed"])
    waits = sorted(wait for one in told for wait in one["waits_ms"])
    expiries = [len(group) for group in by_expiry(computed)[1:]]  # the first: it was never there
    return {
        "expiries": len(expiries),
        "computed": sum(expiries) / len(expiries),
        "most_computed": max(expiries),
        "p50_ms": median(waits),
        "worst_ms": waits[-1],
    }


def by_expiry(computed: Computed) -> list[Computed]:
    """Group computations by what made them necessary.

    The first to end keeps its value for EXPIRE seconds at least, whatever the others do: what
    begins before that was needless.
    """
    groups: list[Computed] = []
    for began, ended in computed:
        if not groups or began >= min(end for _, end in groups[-1]) + EXPIRE * 0.95:
            groups.append([])
        groups[-1].append((began, ended))
    return groups


# -- One process -----------------------------------------------------------------------------------
computed: Computed = []


def compute() -> int:
    began = time.time()
    time.sleep(COMPUTE_SECONDS)
    computed.append((began, time.time()))
    return 42


def ways() -> dict[str, Callable[[], int]]:
    """Return each way of asking, written as its documentation has it."""
    from django.core.cache import cache

    from core.cache import cached

    key = "bench:number"

    def get_else_set() -> int:
        value = cache.get(key)
        if value is None:
            value = compute()
            cache.set(key, value, EXPIRE)
        return int(value)

    def under_lock() -> int:
        value = cache.get(key)
        if value is None:
            with cache.lock("bench:lock"):
                value = get_else_set()  # somebody else may have been here
        return int(value)

    def get_or_set() -> int:
        return int(cache.get_or_set(key, compute, EXPIRE))

    ours = cached(expire=EXPIRE, key_prefix=key)(compute)
    return dict(zip(HOWS, (get_else_set, get_or_set, under_lock, ours), strict=True))


def keep_asking(ask: Callable[[], int], until: float) -> list[float]:
    """Return what each answer was waited for, in milliseconds."""
    waits = []
    while time.time() < until:
        asked = time.perf_counter()
        ask()
        waits.append((time.perf_counter() - asked) * 1e3)
        time.sleep(PAUSE_SECONDS)
    return waits


def main() -> None:
    import django

    django.setup()
    how, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    ask = ways()[how]
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.time() + seconds
    with ThreadPoolExecutor(threads) as pool:
        waits = list(pool.map(lambda _: keep_asking(ask, until), range(threads)))
    print(
        json.dumps({"computed": computed, "waits_ms": [each for one in waits for each in one]}),
        flush=True,
    )


if __name__ == "__main__":
    main()
