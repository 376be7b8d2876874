"""What a measurement leaves behind: goals, tables and plots, as JSON under build/bench."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path("build/bench")


@dataclass(frozen=True)
class Goal:
    """A figure that has to be at least, or else at most, so large."""

    what: str
    figure: float
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def is_reached(self) -> bool:
        enough = self.least is None or self.figure >= self.least
        return enough and (self.most is None or self.figure <= self.most)

    @property
    def wanted(self) -> str:
        if self.least is not None:
            return f"at least {number(self.least)} {self.unit}".rstrip()
        return f"at most {number(self.most or 0.0)} {self.unit}".rstrip()


@dataclass(frozen=True)
class Table:
    """Cells as they are read. The caption is a sentence, or empty."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def markdown(self) -> str:
        lines = [self.heads, ["---"] * len(self.heads), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True)
class Bars:
    """One bar for each name, from the median, with a line from the least to the most seen."""

    name: str
    title: str
    unit: str
    values: dict[str, list[float]]
    """What was measured in each round, by name."""


@dataclass(frozen=True)
class Panel:
    y: str
    series: dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Lines:
    """Lines over one x axis. Both axes are logarithmic: what grows like its size climbs as steep
    as the diagonal, what costs the same stays level."""

    name: str
    title: str
    x: str
    panels: list[Panel]


@dataclass
class Report:
    section: str
    method: str
    """Rounds, seconds and connections, in a sentence."""
    machine: dict[str, str]
    goals: list[Goal] = field(default_factory=list)
    shown: list[Table | Bars | Lines] = field(default_factory=list)
    """In the order in which a reader meets them."""
    figures: dict[str, Any] = field(default_factory=dict)
    """For those who compute with them: medians and ratios by name."""

    def save(self, folder: Path = FOLDER) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.section}.json"
        shown = [{"kind": type(each).__name__, **asdict(each)} for each in self.shown]
        path.write_text(json.dumps(asdict(self) | {"shown": shown}, indent=1) + "\n")
        return path


KINDS: dict[str, Any] = {"Table": Table, "Bars": Bars}


def read(path: Path) -> Report:
    """Return what `save` wrote."""
    found = json.loads(path.read_text())
    found["goals"] = [Goal(**each) for each in found["goals"]]
    found["shown"] = [_shown(each) for each in found["shown"]]
    return Report(**found)


def _shown(words: dict[str, Any]) -> Table | Bars | Lines:
    kind = words.pop("kind")
    if kind != "Lines":
        made: Table | Bars = KINDS[kind](**words)
        return made
    panels = [
        Panel(one["y"], {name: [(x, y) for x, y in seen] for name, seen in one["series"].items()})
        for one in words.pop("panels")
    ]
    return Lines(**words, panels=panels)


def finish(report: Report) -> int:
    """Save a report and print it; return 1 where it misses a goal, else 0."""
    for each in report.shown:
        if isinstance(each, Table):
            print("", *filter(None, [each.caption]), each.markdown(), sep="\n")
    print()
    for goal in report.goals:
        mark = "reached" if goal.is_reached else "MISSED "
        measured = f"{number(goal.figure)} {goal.unit}".rstrip()
        print(f"{mark}  {goal.what}: {measured}, {goal.wanted}")
    print(f"\nleft in {report.save()}")
    return 0 if all(goal.is_reached for goal in report.goals) else 1


def number(value: float) -> str:
    """Spell three significant digits, with thousands apart: 0.00123, 1.82, 93 200."""
    if value == 0:
        return "0"
    digits = 0
    while abs(value) * 10**digits < 100 and digits < 6:
        digits += 1
    rounded = float(f"{value:.3g}")
    spelled = f"{rounded:,.{digits}f}".replace(",", " ")
    return spelled.rstrip("0").rstrip(".") if "." in spelled else spelled


def spread(values: Iterable[float]) -> str:
    """Spell a median with the least and the most that was seen: 1.82 (1.71 to 1.9)."""
    seen = sorted(values)
    if len(seen) == 1:
        return number(seen[0])
    return f"{number(median(seen))} ({number(seen[0])} to {number(seen[-1])})"
