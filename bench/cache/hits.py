"""What one read of a value that is there costs: all in one process, in turns.

Reads its order as JSON from standard input and writes what it saw as JSON to standard output.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import django

django.setup()

import redis  # noqa: E402
import redis.asyncio  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.cache import caches  # noqa: E402

from core.cache import cached  # noqa: E402
from core.cache_turns import names  # noqa: E402

ROW = {"id": "0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "email": "uma@example.com", "active": True}
LOCAL = "@cached, local level"
SHARE_OF_LOCAL = 20
"""It is read so many times as often in a turn, or its turn would be too short to time."""

Seen = dict[str, list[dict[str, float]]]


@cached(expire=600, key_prefix="bench:shared")
def shared(number: int) -> dict[str, object]:
    return ROW


@cached(expire=600, key_prefix="bench:local", local_seconds=600)
def local(number: int) -> dict[str, object]:
    return ROW


@cached(expire=600, key_prefix="bench:async")
async def in_coroutine(number: int) -> dict[str, object]:
    return ROW


def readers() -> dict[str, Callable[[], object]]:
    """Return what reads the same row, whose bytes each kept as it writes them."""
    raw, name = redis.Redis.from_url(settings.REDIS_URL), names(shared.key_of(1))[0]
    found: dict[str, Callable[[], object]] = {
        "redis-py get": lambda: raw.get(name),
        "@cached": lambda: shared(1),
        LOCAL: lambda: local(1),
    }
    for label, alias in (("django-redis", "default"), ("Django RedisCache", "builtin")):
        cache = caches[alias]
        cache.set("bench:row", ROW, 600)
        found[label] = lambda cache=cache: cache.get("bench:row")  # type: ignore[misc]
    for label, read in found.items():
        if read() != ROW and label != "redis-py get":
            raise AssertionError(f"{label} reads something else")
    return found


def async_readers() -> dict[str, Callable[[], Awaitable[object]]]:
    raw, name = redis.asyncio.Redis.from_url(settings.REDIS_URL), names(in_coroutine.key_of(1))[0]
    return {
        "redis-py get, async": lambda: raw.get(name),
        "@cached, async": lambda: in_coroutine(1),
    }


def turn(read: Callable[[], object], *, calls: int) -> dict[str, float]:
    cpu, started = time.process_time(), time.perf_counter()
    for _ in range(calls):
        read()
    return _each(time.perf_counter() - started, time.process_time() - cpu, calls)


async def async_turn(read: Callable[[], Awaitable[object]], *, calls: int) -> dict[str, float]:
    cpu, started = time.process_time(), time.perf_counter()
    for _ in range(calls):
        await read()
    return _each(time.perf_counter() - started, time.process_time() - cpu, calls)


def _each(wall: float, cpu: float, calls: int) -> dict[str, float]:
    return {"us": wall / calls * 1e6, "cpu_us": cpu / calls * 1e6}


def rotated(names: list[str], number: int) -> list[str]:
    """Return who asks in which order, so that the first of a round is another one each time."""
    turn = number % len(names)
    return names[turn:] + names[:turn]


def measure(*, rounds: int, calls: int) -> Seen:
    contenders = readers()
    seen: Seen = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name in rotated(list(contenders), number):
            times = SHARE_OF_LOCAL if name == LOCAL else 1
            figures = turn(contenders[name], calls=calls * times)
            if number:  # the first round warms
                seen[name].append(figures)
    return seen


async def async_measure(*, rounds: int, calls: int) -> Seen:
    await in_coroutine(1)
    contenders = async_readers()
    seen: Seen = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name in rotated(list(contenders), number):
            figures = await async_turn(contenders[name], calls=calls)
            if number:
                seen[name].append(figures)
    return seen


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    shared(1)
    local(1)
    json.dump(measure(**order) | asyncio.run(async_measure(**order)), sys.stdout)


if __name__ == "__main__":
    main()
