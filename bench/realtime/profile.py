"""Where the time goes while one thing is said to one person: python -m bench.realtime.profile.

After each a pause, as `personal` makes it: what is idle has to be woken up, by every trip anew.
Prints a JSON object of the milliseconds, p50 and p99, of each part. The variables name stores.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

COUNT, WARM, PEOPLE, BYTES = 400, 100, 50, 200
PAUSE_SECONDS = 0.005

Parts = dict[str, tuple[float, float]]


def measured(variables: dict[str, str]) -> Parts:
    """Measure in a process of its own, on stores that are migrated."""
    words = [sys.executable, "-m", "bench.realtime.profile"]
    done = subprocess.run(words, env=variables, stdout=subprocess.PIPE, check=True)
    return {name: (p50, p99) for name, (p50, p99) in json.loads(done.stdout).items()}


class Watch:
    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def over(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same work, timed."""
        times = self.times.setdefault(name, [])

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                times.append((time.perf_counter() - started) * 1e3)

        return timed

    def parts(self) -> Parts:
        found = {name: sorted(times[WARM:]) for name, times in self.times.items()}
        return {
            name: (times[len(times) // 2], times[len(times) * 99 // 100])
            for name, times in found.items()
        }


def again_and_again(work: Callable[..., Any]) -> None:
    for number in range(COUNT):
        work(number)
        time.sleep(PAUSE_SECONDS)


def parts() -> Parts:
    from django.db import connection

    from realtime import delivery
    from realtime.repositories import StreamMessageRepository
    from realtime.services import sending

    watch, people = Watch(), [uuid4() for _ in range(PEOPLE)]
    with connection.cursor() as cursor:
        again_and_again(watch.over("`SELECT 1`, to compare", lambda _: cursor.execute("SELECT 1")))
    send: Any = watch.over("all of it", sending.send)
    messages: Any = StreamMessageRepository
    messages.say = watch.over("write it, with its commit", messages.say)
    messages.committed = watch.over("read its place", messages.committed)
    delivery.push = watch.over("publish it to Redis", delivery.push)
    again_and_again(lambda number: send(f"user:{people[number % PEOPLE]}", "said", "x" * BYTES))
    return watch.parts()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    print(json.dumps(parts()))


if __name__ == "__main__":
    main()
