"""What bench.growth shows: a plot and a table for each subject, and the steepest of its paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bench.growth.paths import BOUNDED, BULKY, LEVEL, LINEAR, Line
from bench.lab.machine import describe
from bench.lab.report import Goal, Lines, Panel, Report, Table, number

METHOD = (
    "Each request goes through all middleware, views and services of one process, without a socket."
    " Times are medians of nine, of three to five where one takes long, and single ones where"
    " it can be done once."
)
WANTED = {
    LEVEL: "has to stay level",
    BOUNDED: "may grow to a bound",
    LINEAR: "may grow with its size",
    BULKY: "takes all of a tenant",
}


@dataclass(frozen=True)
class Subject:
    """What is measured by its number: in which sizes, briefly and at length."""

    title: str
    x: str
    quick: list[int]
    full: list[int]


SUBJECTS = {
    "notifications": Subject("Notifications, a thousand of them one's own", "rows in the table",
                             [10_000, 100_000], [10_000, 100_000, 1_000_000, 10_000_000]),
    "inbox": Subject("One person's notifications, all unread", "rows of their own",
                     [100, 10_000], [100, 1_000, 10_000, 100_000]),
    "members": Subject("Members of one organization", "members",
                       [10, 1_000, 10_000], [10, 100, 1_000, 10_000, 100_000]),
    "organizations": Subject("Organizations in the database", "organizations",
                             [10, 1_000, 10_000], [10, 100, 1_000, 10_000, 100_000]),
    "flags": Subject("Flags", "flags", [10, 100, 1_000], [10, 100, 1_000, 10_000]),
    "sockets": Subject("Sockets in one process", "sockets", [10, 100, 1_000],
                       [10, 100, 1_000, 10_000]),
    "audit": Subject("The audit log of one organization", "entries",
                     [1_000, 10_000], [1_000, 10_000, 100_000, 1_000_000]),
    "invitations": Subject("Invitations of one organization", "invitations",
                           [1_000, 10_000], [1_000, 10_000, 100_000]),
}  # fmt: skip


def report(found: Mapping[str, list[Line]]) -> Report:
    made = Report(section="growth", method=METHOD, machine=describe([]))
    for name, lines in found.items():
        made.goals += goals(name, lines)
        made.shown += [plot(name, lines), table(name, lines)]
        made.figures[name] = {
            line.name: {"growth": line.growth, "seen": line.seen, **line.beside} for line in lines
        }
    return made


def goals(name: str, lines: list[Line]) -> list[Goal]:
    """Return one goal for all that may grow alike; it holds the steepest, and names it."""
    made = []
    by_most = sorted(lines, key=lambda line: line.most)
    for most, alike in groupby(by_most, key=lambda line: line.most):
        steepest = max(alike, key=lambda line: line.growth)
        told = f"{name}: growth of what {WANTED[most]}, at its steepest ({steepest.name})"
        made.append(Goal(told, round(steepest.growth, 3), most=most))
    return made


def plot(name: str, lines: list[Line]) -> Lines:
    """Draw time at the left, and memory or disk at the right: of an answer where no other is."""
    subject = SUBJECTS[name]
    drawn: dict[str, dict[str, Any]] = {
        unit: {line.name: sorted(line.seen.items()) for line in lines if line.panel == unit}
        for unit in sorted({line.panel for line in lines if line.panel}, key="ms".__ne__)
    }
    if len(drawn) == 1:
        drawn["KiB of memory, at the peak"] = {
            line.name: sorted(line.beside["KiB"].items())
            for line in lines
            if line.panel and "KiB" in line.beside
        }
    return Lines(name, subject.title, subject.x, [Panel(*each) for each in drawn.items()])


def table(name: str, lines: list[Line]) -> Table:
    sizes = sorted({size for line in lines for size in line.seen})
    heads = [SUBJECTS[name].x, *(number(size) for size in sizes), "statements", "pages", "KiB",
             "grows by", "may by"]  # fmt: skip
    return Table(heads, [row(line, sizes) for line in lines], caption=f"{SUBJECTS[name].title}:")


def row(line: Line, sizes: list[int]) -> list[str]:
    growth = number(round(line.growth, 2))
    return [
        f"{line.name}, {line.unit}",
        *(number(line.seen[size]) if size in line.seen else "" for size in sizes),
        *(from_to(line.beside.get(name, {})) for name in ("statements", "pages", "KiB")),
        f"**{growth}**" if line.is_steeper_than_it_may else growth,
        number(line.most),
    ]


def from_to(seen: Mapping[int, float]) -> str:
    """Spell the first and the last: 38 → 86, or 1 where they are the same."""
    if not seen:
        return ""
    first, last = number(seen[min(seen)]), number(seen[max(seen)])
    return first if first == last else f"{first} → {last}"
