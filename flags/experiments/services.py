"""Starting and stopping experiments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.api.serializers import rfc3339
from core.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from core.events import publish
from flags import validation
from flags.engine import unleash
from flags.events import ExperimentStarted, ExperimentStopped
from flags.experiments import arms, counting
from flags.experiments.arms import OFF, Arms, NothingComparedError
from flags.models import Environment, Experiment, Flag, FlagRules
from flags.services import changes, definitions
from flags.services.changes import Author

MOST_RUNNING = 100
"""In one environment: each evaluation of a goal looks at all of them."""
MOST_GOALS = 10
MOST_ARMS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment asks, decided before it begins."""

    name: str
    goals: tuple[str, ...]
    """The first one is what it is about."""
    hypothesis: str = ""
    control: str | None = None
    """None: `off`, or the flag's first variant."""
    goal_window_days: int = 14
    expected_subjects: int = 10_000
    ends_at: datetime | None = None


@transaction.atomic
def start(
    *, flag: str, plan: Plan, author: Author, now: datetime, environment: str | None = None
) -> Experiment:
    """Begin to note who sees what of a flag. Nobody's answer changes.

    Raises NotFoundError; ConflictError where one runs already, or the flag deals nobody by chance;
    InvalidError.
    """
    where = changes.environment(environment)
    found = definitions.locked(flag)
    rules = FlagRules.objects.of(found.pk).within(where.pk).only_one()
    dealt = _arms(found, rules)
    control = _control(plan, dealt)
    _judge(plan, now=now)
    _make_room(found, where, now=now)
    made = Experiment.objects.add(
        created_at=now,
        name=plan.name,
        hypothesis=plan.hypothesis,
        flag_name=found.name,
        environment=where,
        by_variant=dealt.by_variant,
        unit=dealt.unit,
        weights=dealt.weights,
        control=control,
        goals=list(plan.goals),
        goal_window_days=plan.goal_window_days,
        expected_subjects=plan.expected_subjects,
        started_at=now,
        ends_at=plan.ends_at,
    )
    changes.record(
        found, "experiment_started", author=author, now=now, environment=where.name,
        states=({}, state(made)),
    )  # fmt: skip
    publish(ExperimentStarted(made.pk, found.name, where.name, author.id))
    changes.close([where])
    return made


@transaction.atomic
def stop(*, experiment_id: UUID, author: Author, now: datetime) -> Experiment:
    """End an experiment; what it found stays. Nobody's answer changes. Twice does no harm.

    Raises NotFoundError.
    """
    seen = Experiment.objects.with_environment().find(experiment_id)
    if seen is None:
        raise NotFoundError("There is no such experiment.")
    where = changes.environment(seen.environment.name)
    experiment = Experiment.objects.locked().by_id(experiment_id)
    experiment.environment = where
    if experiment.ended_at is not None:
        return experiment
    before = state(experiment)
    Experiment.objects.change(experiment, ended_at=_end(experiment, now=now))
    flag = Flag.objects.by_name(experiment.flag_name)
    if flag is not None:
        changes.record(
            flag, "experiment_stopped", author=author, now=now, environment=where.name,
            states=(before, state(experiment)),
        )  # fmt: skip
    publish(ExperimentStopped(experiment.pk, experiment.flag_name, where.name, author.id))
    changes.close([where])
    counting.count()
    return experiment


def state(experiment: Experiment) -> dict[str, Any]:
    """Return what the history keeps of an experiment."""
    plain = ("name", "hypothesis", "unit", "weights", "control", "goals", "goal_window_days",
             "expected_subjects")  # fmt: skip
    moments = ("started_at", "ends_at", "ended_at")
    return {
        "experiment": str(experiment.pk),
        **{name: getattr(experiment, name) for name in plain},
        **{name: rfc3339(getattr(experiment, name)) for name in moments},
    }


def current_arms(experiment: Experiment) -> Arms | None:
    """Return what the flag's rules deal now; None where they deal nobody, or are gone."""
    flag = Flag.objects.present().by_name(experiment.flag_name)
    if flag is None:
        return None
    try:
        return _arms(flag, FlagRules.objects.of(flag.pk).within(experiment.environment_id).get())
    except ConflictError:
        return None


def _arms(flag: Flag, rules: FlagRules) -> Arms:
    """Raises ConflictError."""
    if any(each.get("stages") for each in rules.strategies):
        raise ConflictError("The percentage grows in stages: whoever comes in would change sides.")
    plain = {"strategies": rules.strategies, "variants": rules.variants}
    try:
        dealt = arms.compared(unleash.flag({"name": flag.name, "enabled": True, **plain}))
    except NothingComparedError as error:
        raise ConflictError(str(error)) from None
    if len(dealt.weights) > MOST_ARMS:
        raise ConflictError(f"An experiment compares up to {MOST_ARMS} variants.")
    return dealt


def _control(plan: Plan, dealt: Arms) -> str:
    """Raises InvalidError."""
    control = plan.control or (next(iter(dealt.weights)) if dealt.by_variant else OFF)
    if control not in dealt.weights:
        known = ", ".join(dealt.weights)
        raise InvalidError(FieldProblem("/control", "invalid", f"Give one of: {known}."))
    return control


def _judge(plan: Plan, *, now: datetime) -> None:
    """Raises InvalidError."""
    found = validation.Found()
    if not plan.name or len(plan.name) > 100:
        found.add("/name", "Give a name of up to 100 characters.")
    if problem := _goals_problem(plan.goals):
        found.add("/goals", problem)
    if not 1 <= plan.goal_window_days <= 90:
        found.add("/goal_window_days", "Give 1 to 90 days.")
    if not 100 <= plan.expected_subjects <= 2_000_000_000:
        found.add("/expected_subjects", "Give 100 or more.")
    if plan.ends_at is not None and plan.ends_at <= now:
        found.add("/ends_at", "This moment is over.")
    found.refuse()


def _goals_problem(goals: tuple[str, ...]) -> str | None:
    if not all(0 < len(each) <= 100 and "\0" not in each for each in goals):
        return "The name of a goal has 1 to 100 characters."
    if not 0 < len(set(goals)) == len(goals) <= MOST_GOALS:
        return f"Give 1 to {MOST_GOALS} different goals."
    return None


def _make_room(flag: Flag, where: Environment, *, now: datetime) -> None:
    """End the experiment whose planned end is over. Raises ConflictError for one that runs."""
    for earlier in Experiment.objects.on(flag.name, where.pk).open().locked():
        if earlier.is_running(now=now):
            raise ConflictError(f"An experiment runs on this flag: {earlier.name}. Stop it first.")
        Experiment.objects.change(earlier, ended_at=earlier.ends_at)
    if Experiment.objects.in_environment(where.pk).open().count() >= MOST_RUNNING:
        raise ConflictError(f"{MOST_RUNNING} experiments run here already. Stop some.")


def _end(experiment: Experiment, *, now: datetime) -> datetime:
    """Return when it ended: by its plan, if that was before."""
    return min(now, experiment.ends_at) if experiment.ends_at else now
