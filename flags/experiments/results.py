"""What an experiment found so far: a few tallies in, comparisons out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from flags.experiments import services
from flags.experiments.models import Experiment, ExperimentTally
from flags.experiments.statistics import Comparison, Sample, compare, sample_ratio

ALPHA = 0.05
"""Of all looks at one goal, and all variants, together."""
SUSPICIOUS = 0.001
"""Below it shares are not what the weights say; usual for this check, which is made so often."""
METHOD = (
    "Asymptotic confidence sequence (Waudby-Smith et al. 2024): it holds at every look. Several"
    " variants share the error of 5 % (Bonferroni)."
)

Counts = Counter[tuple[str, str]]
"""By variant and goal; the goal of exposures is empty."""


@dataclass(frozen=True, slots=True)
class Line:
    """One variant, seen by one goal."""

    variant: str
    is_control: bool
    sample: Sample
    comparison: Comparison | None
    """With the control; None for itself."""


@dataclass(frozen=True, slots=True)
class Goal:
    name: str
    is_primary: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Share:
    variant: str
    subjects: int
    expected: float
    """As a fraction of one."""
    actual: float | None


@dataclass(frozen=True, slots=True)
class Results:
    experiment: Experiment
    subjects: int
    mixed: int
    """Subjects that saw several variants, and count for none."""
    shares: tuple[Share, ...]
    share_p_value: float
    goals: tuple[Goal, ...]
    notes: tuple[str, ...]

    @property
    def is_suspicious(self) -> bool:
        return self.share_p_value < SUSPICIOUS


def of(experiment: Experiment) -> Results:
    """Read the tallies, which are as old as the last count: seconds."""
    counts: Counts = Counter()
    for _, counted in _days(experiment):
        counts.update(counted)  # `+=` would forget days that took something back
    subjects = {arm: counts[arm, ""] for arm in experiment.weights}
    found = Results(
        experiment=experiment,
        subjects=sum(subjects.values()),
        mixed=counts["", ""],
        shares=tuple(_shares(experiment, subjects)),
        share_p_value=sample_ratio(subjects, experiment.weights),
        goals=tuple(
            Goal(name, number == 0, tuple(_lines(experiment, counts, name)))
            for number, name in enumerate(experiment.goals)
        ),
        notes=(),
    )
    return replace(found, notes=tuple(_notes(found)))


def by_day(experiment: Experiment) -> dict[str, list[tuple[date, Comparison]]]:
    """Return what each variant's comparison by the first goal was at the end of each day."""
    counts: Counts = Counter()
    found: defaultdict[str, list[tuple[date, Comparison]]] = defaultdict(list)
    for day, counted in _days(experiment):
        counts.update(counted)
        for line in _lines(experiment, counts, experiment.goals[0]):
            if line.comparison is not None:
                found[line.variant].append((day, line.comparison))
    return dict(found)


def _days(experiment: Experiment) -> list[tuple[date, Counts]]:
    found: defaultdict[date, Counts] = defaultdict(Counter)
    for row in ExperimentTally.objects.of(experiment.pk).in_order():
        found[row.day][row.variant, row.goal] += row.count
    return list(found.items())


def _lines(experiment: Experiment, counts: Counts, goal: str) -> Iterator[Line]:
    weights: Mapping[str, float] = experiment.weights
    samples = {arm: Sample(counts[arm, ""], counts[arm, goal]) for arm in weights}
    for arm, sample in samples.items():
        if arm == experiment.control:
            yield Line(arm, True, sample, None)
            continue
        both = (weights[arm] + weights[experiment.control]) / sum(weights.values())
        comparison = compare(
            sample,
            samples[experiment.control],
            alpha=ALPHA,
            expected_subjects=round(experiment.expected_subjects * both),
            comparisons=len(weights) - 1,
        )
        yield Line(arm, False, sample, comparison)


def _shares(experiment: Experiment, subjects: Mapping[str, int]) -> Iterator[Share]:
    whole, everybody = sum(experiment.weights.values()), sum(subjects.values())
    for arm, weight in experiment.weights.items():
        actual = subjects[arm] / everybody if everybody else None
        yield Share(arm, subjects[arm], weight / whole, actual)


def _notes(found: Results) -> Iterator[str]:
    if found.is_suspicious:
        yield (
            "The variants' shares are not those of the rules. Something other than chance decides"
            " who is counted where: trust no comparison before you know what."
        )
    if found.experiment.ended_at is None:
        yield from _notes_on_rules(found.experiment)
    if found.mixed > (found.subjects + found.mixed) / 100:
        yield "More than one subject in a hundred saw several variants. They are left out."
    if not any(line.comparison and line.comparison.low is not None for line in _primary(found)):
        yield (
            "There is too little for an interval: it takes 100 subjects in each variant, of whom 10"
            " reached the goal and 10 did not."
        )


def _notes_on_rules(experiment: Experiment) -> Iterator[str]:
    now = services.current_arms(experiment)
    if now is None:
        yield "The flag's rules deal nobody by chance any more, so nobody new is counted."
    elif (now.weights, now.unit, now.by_variant) != (
        experiment.weights, experiment.unit, experiment.by_variant,
    ):  # fmt: skip
        yield "The flag's rules were changed since the start. Better begin a new experiment."


def _primary(found: Results) -> tuple[Line, ...]:
    return found.goals[0].lines
