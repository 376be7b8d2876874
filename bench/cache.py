"""What a hit of @cached costs beside a plain `get` of redis-py: python -m bench.cache."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import django

django.setup()

from core.cache import cached  # noqa: E402
from core.redis import acall, call  # noqa: E402

CALLS = 3000
ROUNDS = 7
ROW = {"id": "0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "email": "uma@example.com", "active": True}


@cached(expire=600, key_prefix="bench:shared")
def shared(number: int) -> dict[str, object]:
    return ROW


@cached(expire=600, key_prefix="bench:local", local_seconds=60)
def local(number: int) -> dict[str, object]:
    return ROW


@cached(expire=600, key_prefix="bench:async")
async def in_coroutine(number: int) -> dict[str, object]:
    return ROW


def microseconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - started) / CALLS * 1e6


async def amicroseconds(function: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await function()
    return (time.perf_counter() - started) / CALLS * 1e6


def main() -> None:
    key = shared.key_of(1)
    shared(1)
    plain = {
        "redis-py get": lambda: call(lambda client: client).get(f"tenantry:cache:v:{key}"),
        "behind the breaker": lambda: call(lambda client: client.get(f"tenantry:cache:v:{key}")),
        "@cached hit": lambda: shared(1),
        "@cached hit, local level": lambda: local(1),
    }
    report({name: [] for name in plain}, plain)
    asyncio.run(asynchronous())


def report(figures: dict[str, list[float]], plain: dict[str, Callable[[], object]]) -> None:
    for _ in range(ROUNDS):  # alternating, so that a busy machine is unfair to none
        for name, function in plain.items():
            figures[name].append(microseconds(function))
    base = statistics.median(figures["redis-py get"])
    for name, seen in figures.items():
        middle = statistics.median(seen)
        print(f"{name:<28}{middle:>8.2f} µs {middle / base:>6.2f} x")


async def asynchronous() -> None:
    name = f"tenantry:cache:v:{in_coroutine.key_of(1)}"
    await in_coroutine(1)
    raw, hit = [], []
    for _ in range(ROUNDS):
        raw.append(await amicroseconds(lambda: acall(lambda client: client.get(name))))
        hit.append(await amicroseconds(lambda: in_coroutine(1)))
    base, middle = statistics.median(raw), statistics.median(hit)
    print(f"{'async get':<28}{base:>8.2f} µs")
    print(f"{'async @cached hit':<28}{middle:>8.2f} µs {middle / base:>6.2f} x")


if __name__ == "__main__":
    main()
