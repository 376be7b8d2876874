"""Intervals over time, as coordinates of a drawing that needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flags.experiments import results
from flags.experiments.models import Experiment
from flags.experiments.statistics import Comparison

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 12, 32
MOST_POINTS = 90
"""Days that are drawn; of more, so many at even distances, the last one always."""
ROOM = 2.5
"""The axis reaches this many times as far as the last interval: the first ones are far wider."""

Known = tuple[date, float, float, float]
"""Day, difference and both ends of the interval."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str
    anchor: str = "end"
    """Which part of the label stands there: start, middle or end."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a variant's difference to the control was thought to be, day by day."""

    variant: str
    words: str
    """The same in a sentence, for whoever does not see it."""
    band: str
    """Points of a polygon: the interval."""
    line: str
    """Points of a line: the difference."""
    end: tuple[float, float]
    zero: float
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]


def plots(experiment: Experiment) -> list[Plot]:
    """Return one for each variant that an interval can be drawn of."""
    found = []
    for variant, days in results.by_day(experiment).items():
        known = _thinned([each for each in map(_known, days) if each])
        if known:
            found.append(_plot(variant, experiment.control, known))
    return found


def _known(day: tuple[date, Comparison]) -> Known | None:
    when, found = day
    if found.difference is None or found.low is None or found.high is None:
        return None
    return when, found.difference, found.low, found.high


def _thinned(known: Sequence[Known]) -> list[Known]:
    step = -(-len(known) // MOST_POINTS) or 1
    return list(known[::-1][::step][::-1])


def _plot(variant: str, control: str, known: Sequence[Known]) -> Plot:
    day, difference, low, high = known[-1]
    reach = ROOM * max(abs(low), abs(high), 1e-6)
    x = _Scale((known[0][0].toordinal(), day.toordinal()), (LEFT, WIDTH - RIGHT))
    y = _Scale((-reach, reach), (HEIGHT - BOTTOM, TOP))
    across = [x(each[0].toordinal()) for each in known]
    if len(known) == 1:
        across = [(LEFT + WIDTH - RIGHT) / 2]
    upper = [f"{at:.1f},{y(each[3]):.1f}" for at, each in zip(across, known, strict=True)]
    lower = [f"{at:.1f},{y(each[2]):.1f}" for at, each in zip(across, known, strict=True)]
    line = [f"{at:.1f},{y(each[1]):.1f}" for at, each in zip(across, known, strict=True)]
    if len(known) == 1:
        upper, lower = _widened(across[0], y(high)), _widened(across[0], y(low))
    return Plot(
        variant=variant,
        words=_words(variant, control, known),
        band=" ".join([*upper, *reversed(lower)]),
        line=" ".join(line),
        end=(across[-1], y(difference)),
        zero=y(0),
        rows=tuple(Tick(y(at), points(at)) for at in (-reach / 2, 0.0, reach / 2)),
        columns=_columns(known, across),
    )


def _widened(at: float, height: float) -> list[str]:
    """Give the interval of a single day some width to be seen by."""
    return [f"{at - 6:.1f},{height:.1f}", f"{at + 6:.1f},{height:.1f}"]


def _columns(known: Sequence[Known], across: Sequence[float]) -> tuple[Tick, ...]:
    first, last = known[0][0], known[-1][0]
    if len(known) == 1:
        return (Tick(across[0], first.isoformat(), "middle"),)
    return Tick(across[0], first.isoformat(), "start"), Tick(across[-1], last.isoformat())


def _words(variant: str, control: str, known: Sequence[Known]) -> str:
    day, difference, low, high = known[-1]
    return (
        f"{variant} beside {control}, from {known[0][0].isoformat()} to {day.isoformat()}:"
        f" at last {points(difference)}, interval {points(low)} to {points(high)}."
    )


def points(fraction: float) -> str:
    """Return a difference of rates in percentage points, with a minus sign that is one."""
    if fraction == 0:
        return "0"
    return f"{100 * fraction:+.2f} pp".replace("-", "\N{MINUS SIGN}")


class _Scale:
    """From values to places; what lies beyond ends at the edge."""

    def __init__(self, values: tuple[float, float], places: tuple[float, float]) -> None:
        self.low, self.high = values
        self.start, self.end = places

    def __call__(self, value: float) -> float:
        length = self.high - self.low or 1
        share = min(1.0, max(0.0, (value - self.low) / length))
        return self.start + share * (self.end - self.start)
