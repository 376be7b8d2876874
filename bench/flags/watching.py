"""One process of the propagation measured by bench.flags.

python -m bench.flags.watching watch   prints "<version> <nanoseconds>" as soon as it answers by it
python -m bench.flags.watching change  reads orders, {"changes", "pause"}, and answers with
                                      [[version, nanoseconds when it was committed], ...]

Nanoseconds are those of the machine's monotonic clock, which all of its processes share.
"""

import json
import os
import sys
import time
from threading import Event

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.flags.question import FLAG  # noqa: E402
from flags import snapshots  # noqa: E402
from flags.services import changes, definitions, rules  # noqa: E402


def watch() -> None:
    environment = settings.FLAGS_ENVIRONMENT

    def seen(_: str) -> None:
        print(snapshots.version(environment), time.monotonic_ns(), flush=True)

    snapshots.watch(seen)
    snapshots.current(environment)
    print("ready", flush=True)
    Event().wait()


def change() -> None:
    author, is_on = changes.Author.operator(), True
    definitions.create(name=FLAG, author=author, now=timezone.now())
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        made = []
        for _ in range(order["changes"]):
            is_on = not is_on
            committed: list[int] = []
            with transaction.atomic():
                # The first to be called after the commit, before anybody is told.
                transaction.on_commit(lambda seen=committed: seen.append(time.monotonic_ns()))
                rules.switch(name=FLAG, enabled=is_on, author=author, now=timezone.now())
            found = changes.own_environment()
            assert found is not None
            made.append([found.version, *committed])
            time.sleep(order["pause"])
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    {"watch": watch, "change": change}[sys.argv[1]]()
