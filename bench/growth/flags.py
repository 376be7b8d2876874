"""Flags, by their number: in memory, and what clients and managers ask of them."""

import json
from itertools import cycle
from typing import Any

from bench.flags import question, sizes
from bench.growth.paths import LEVEL, LINEAR, Lines, Path
from bench.lab.rows import Api, account

TOLD = {
    "one answer, in memory": ("evaluation_cpu_ns", 1e-3, "µs", LEVEL),
    "compiled at the start, CPU": ("build_cpu_ms", 1, "ms", LINEAR),
    "compiled where one changed, CPU": ("change_cpu_ms", 1, "ms", LINEAR),
    "in memory": ("memory_kib", 1, "KiB", LINEAR),
}
"""What bench.flags.sizes tells, in which unit, and how it may grow."""


def measure(counts: list[int]) -> Lines:
    lines, api = Lines(), Api(account("staff", is_staff=True))
    for count in counts:
        found = sizes.size(count)
        for name, (key, factor, unit, most) in TOLD.items():
            lines.note(name, count, found[key] * factor, unit, most, is_drawn=unit != "µs")
        add(question.ours(count)["flags"])
        lines.note("as a document", count, len(document()) / 1024, "KiB", LINEAR)
        lines.ask(count, served(api))
    return lines


def add(wanted: list[dict[str, Any]]) -> None:
    """Have these flags in the database, and in this process."""
    from django.conf import settings
    from django.db import transaction

    from flags import snapshots
    from flags.models import Flag, FlagRules
    from flags.services import changes

    with transaction.atomic():
        where, there = changes.environment(), Flag.objects.by_names()
        new = [each for each in wanted if each["name"] not in there]
        made = [Flag(name=each["name"], is_client_visible=True) for each in new]
        Flag.objects.add_all(made)
        FlagRules.objects.add_all([
            FlagRules(flag=flag, environment=where, enabled=True, strategies=each["strategies"],
                      allowed=each["allowed"])
            for flag, each in zip(made, new, strict=True)
        ])  # fmt: skip
        changes.close([where])
    snapshots.refresh(settings.FLAGS_ENVIRONMENT)


def document() -> bytes:
    """Return what a process reads when something changed."""
    from django.conf import settings

    from flags.models import Environment

    return json.dumps(Environment.objects.document(settings.FLAGS_ENVIRONMENT)).encode()


def served(api: Api) -> list[Path]:
    from django.conf import settings

    from flags import snapshots
    from flags.models import Flag

    flag = Flag.objects.by_name(question.FLAG)
    assert flag is not None
    rollout = f"/flags/definitions/{flag.pk}/environments/{settings.FLAGS_ENVIRONMENT}/rollout"
    shares = cycle([25, 26])

    def change() -> None:
        api.send("POST", rollout, {"percentage": next(shares)})

    def follow() -> None:
        snapshots.refresh(settings.FLAGS_ENVIRONMENT)

    return [
        Path("all flags for a client", lambda: api.read("/flags"), LINEAR, is_drawn=True),
        Path("change one", change, LINEAR, is_drawn=True),
        Path("follow a change", follow, LINEAR, is_drawn=True),
        Path("a page of definitions", lambda: api.read("/flags/definitions?cursor="),
             is_drawn=True),
    ]  # fmt: skip
