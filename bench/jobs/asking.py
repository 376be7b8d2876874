"""A process that enqueues jobs one way, by orders: python -m bench.jobs.asking ours | …

Each order is a line of JSON, {"how": …, "first": …, "count": …}; so is each answer.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = (0.02, 0.06)
"""Between two jobs for an idle worker."""
BATCH = 1000

One = Callable[[int, float], None]
Many = Callable[[list[int]], None]


def ours() -> tuple[One, Many]:
    import django

    django.setup()
    from django.db import transaction

    from bench.jobs.tasks import touch

    def one(n: int, seconds: float) -> None:
        with transaction.atomic():  # in a product something is written beside it
            touch.defer(n=n, seconds=seconds)

    def many(numbers: list[int]) -> None:
        with transaction.atomic():
            touch.defer_many({"n": n, "seconds": 0.0} for n in numbers)

    return one, many


def plain() -> tuple[One, Many]:
    import django

    django.setup()
    from django.db import transaction

    from bench.peers.procrastinate_peer.tasks import touch

    def one(n: int, seconds: float) -> None:
        with transaction.atomic():
            touch.defer(n=n, seconds=seconds)

    def many(numbers: list[int]) -> None:
        with transaction.atomic():
            touch.batch_defer(*({"n": n, "seconds": 0.0} for n in numbers))

    return one, many


def celery() -> tuple[One, Many]:
    from celery import group

    from bench.peers.celery_app import touch

    def many(numbers: list[int]) -> None:
        group(touch.s(n) for n in numbers).delay()

    return touch.delay, many


ASKERS = {"ours": ours, "plain": plain, "celery": celery}


def enqueue(enqueue_all: Callable[[], None], count: int) -> dict[str, float]:
    cpu, started = time.process_time(), time.perf_counter()
    enqueue_all()
    seconds = time.perf_counter() - started
    return {"per_second": count / seconds, "cpu_us": (time.process_time() - cpu) / count * 1e6}


def one_by_one(one: One, numbers: list[int], seconds: float) -> None:
    for n in numbers:
        one(n, seconds)


def in_batches(many: Many, numbers: list[int]) -> None:
    for start in range(0, len(numbers), BATCH):
        many(numbers[start : start + BATCH])


def now_and_then(one: One, numbers: list[int]) -> list[float]:
    """Return when each was stored."""
    stored = []
    for n in numbers:
        time.sleep(random.uniform(*PAUSE_SECONDS))
        one(n, 0.0)
        stored.append(time.time())
    return stored


def main() -> None:
    one, many = ASKERS[sys.argv[1]]()
    print("ready", flush=True)
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        numbers = list(range(order["first"], order["first"] + order["count"]))
        answer: Any
        if order["how"] == "idle":
            answer = now_and_then(one, numbers)
        elif order["how"] == "many":
            answer = enqueue(lambda: in_batches(many, numbers), len(numbers))  # noqa: B023
        else:
            seconds = order.get("seconds", 0.0)
            answer = enqueue(lambda: one_by_one(one, numbers, seconds), len(numbers))  # noqa: B023
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
