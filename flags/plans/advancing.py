"""Planned changes in a snapshot: each takes effect when its moment comes, without any worker.

The document of an environment carries those that will be applied. When the first is due, the
snapshot is exchanged for one in which it is done; the environment's version stays, and rises when
the change is made lasting in the database (`flags.services.rules.settle`).
"""

from collections.abc import Mapping
from typing import Any

from flags.engine.constraints import moment

Json = Mapping[str, Any]


def next_at(document: Json) -> float | None:
    """Return when the next change is due, in seconds since 1970; None where none waits."""
    moments = [at for each in document.get("planned") or [] if (at := _at(each)) is not None]
    return min(moments, default=None)


def advanced(document: Json, until: float) -> Json:
    """Return the document with everything that is due until a moment."""
    flags = {each["name"]: each for each in document.get("flags") or []}
    waiting: list[Json] = []
    done: dict[str, str] = {}
    for each in document.get("planned") or []:
        name, at = each["flag"], _at(each)
        if str(each["id"]) < done.get(name, ""):
            continue  # planned before the one that came first: it will be a conflict
        if at is None or at > until:
            waiting.append(each)
        elif name in flags:
            flags[name] = _changed(flags[name], each["changes"])
            done[name] = str(each["id"])
    return {**document, "flags": list(flags.values()), "planned": waiting}


def _changed(flag: Json, changes: Json) -> Json:
    found = {**flag, **changes}
    return {**found, "enabled": found.get("enabled") is True and found.get("killed") is not True}


def _at(planned: Json) -> float | None:
    return moment(str(planned.get("at")))
