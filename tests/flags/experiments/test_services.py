"""Starting and stopping."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

import flags
from core.errors import ConflictError, InvalidError, NotFoundError
from flags import demo as flag_demo
from flags.engine import unleash
from flags.experiments import arms, demo, results, services
from flags.models import Environment, Experiment, Flag, FlagChange
from flags.services import definitions, history
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.flags.experiments.conftest import VARIANTS, begin, experiment


def end(made: Experiment) -> Experiment:
    return services.stop(experiment_id=made.pk, author=AUTHOR, now=timezone.now())


def test_start_and_stop_are_history_and_change_no_answer(db: None) -> None:  # FLG 29
    make_flag("button", variants=VARIANTS)
    before = [flags.variant("button", sessionId=str(n)) for n in range(50)]
    version = Environment.objects.get().version

    made = begin(goals=("bought", "came back"), hypothesis="Shorter is better")
    assert Environment.objects.get().version == version + 1
    ended = end(made)
    assert end(made).ended_at == ended.ended_at
    assert Environment.objects.get().version == version + 2

    assert (made.unit, made.control) == ("default", "buy")
    assert made.weights == {"buy": 500, "order": 500}
    newest, first = FlagChange.objects.order_by("-created_at", "-id")[:2]
    assert (first.action, newest.action) == ("experiment_started", "experiment_stopped")
    assert (first.name, first.environment_name) == ("button", "production")
    assert first.after["goals"] == ["bought", "came back"]
    assert (newest.before["ended_at"], bool(newest.after["ended_at"])) == (None, True)
    assert [flags.variant("button", sessionId=str(n)) for n in range(50)] == before


def test_one_runs_on_a_flag_at_a_time(db: None) -> None:
    made = experiment()
    with pytest.raises(ConflictError, match="Words"):
        begin()
    assert Experiment.objects.count() == 1

    end(made)
    begin()
    assert Experiment.objects.open().get() != made


def test_one_whose_planned_end_is_over_makes_room(db: None) -> None:
    over = timezone.now() + timedelta(minutes=1)
    made = experiment(ends_at=over)
    services.start(
        flag="button",
        plan=services.Plan("next", ("bought",)),
        author=AUTHOR,
        now=over + timedelta(minutes=1),
    )

    made.refresh_from_db()
    assert made.ended_at == over


def test_what_outlives_the_flag(db: None) -> None:
    made = experiment()
    definitions.archive(name="button", author=AUTHOR, now=timezone.now())
    definitions.delete(name="button", author=AUTHOR, now=timezone.now())
    assert Flag.objects.count() == 0

    assert end(made).flag_name == "button"
    assert services.current_arms(made) is None


RANDOM = [{"name": "a", "weight": 1, "stickiness": "random"}, {"name": "b", "weight": 1}]
STAGED = share("10", stages=[{"at": "2030-01-01T00:00:00Z", "percentage": 50}])
UNCOMPARED: list[tuple[dict[str, Any], str]] = [
    ({}, "neither variants"),
    ({"strategies": [{"name": "default"}]}, "neither variants"),
    ({"strategies": [share("10"), share("20")]}, "neither variants"),
    ({"strategies": [share("100")]}, "percentage"),
    ({"strategies": [share("0")]}, "percentage"),
    ({"strategies": [STAGED]}, "stages"),
    ({"variants": VARIANTS[:1]}, "only one"),
    ({"variants": RANDOM}, "anew"),
    ({"variants": VARIANTS, "strategies": [share("10"), share("5", variants=RANDOM)]}, "different"),
    ({"variants": [{"name": f"v{n}", "weight": 1} for n in range(21)]}, "20"),
]


@pytest.mark.parametrize(("rules", "why"), UNCOMPARED)
def test_what_deals_nobody_by_chance_is_refused(db: None, rules: Any, why: str) -> None:
    make_flag("button", **rules)

    with pytest.raises(ConflictError, match=why):
        begin()
    assert Experiment.objects.count() == 0


def test_variants_of_a_strategy_are_compared_too(db: None) -> None:
    by_session = share("10", variants=VARIANTS)
    by_session["parameters"]["stickiness"] = "sessionId"
    make_flag("button", strategies=[by_session])

    made = begin()

    assert (made.unit, made.by_variant, set(made.weights)) == ("sessionId", True, {"buy", "order"})


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/name"),
    ({"name": "x" * 101}, "/name"),
    ({"goals": ()}, "/goals"),
    ({"goals": ("a", "a")}, "/goals"),
    ({"goals": ("",)}, "/goals"),
    ({"goals": tuple("abcdefghijk")}, "/goals"),
    ({"control": "nothing"}, "/control"),
    ({"goal_window_days": 0}, "/goal_window_days"),
    ({"expected_subjects": 99}, "/expected_subjects"),
    ({"ends_at": timezone.now() - timedelta(days=1)}, "/ends_at"),
]


@pytest.mark.parametrize(("plan", "pointer"), UNFIT)
def test_a_plan_that_is_unfit_is_refused(db: None, plan: dict[str, Any], pointer: str) -> None:
    make_flag("button", variants=VARIANTS)

    with pytest.raises(InvalidError) as refused:
        begin(**plan)
    assert [each.pointer for each in refused.value.problems] == [pointer]
    assert Experiment.objects.count() == 0


def test_of_what_is_not_there(db: None) -> None:
    with pytest.raises(NotFoundError):
        begin("nothing")
    with pytest.raises(NotFoundError):
        services.stop(experiment_id=uuid4(), author=AUTHOR, now=timezone.now())


def test_rules_that_were_changed_are_noticed(db: None) -> None:
    made = experiment()
    same = services.current_arms(made)
    assert same is not None
    assert same.weights == made.weights

    change_rules("button", variants=[{"name": "buy", "weight": 9}, {"name": "x", "weight": 1}])
    changed = services.current_arms(made)
    assert changed is not None
    assert changed.weights == {"buy": 9, "x": 1}


def test_weights_are_read_as_the_engine_reads_them() -> None:
    given = [{"name": "a", "weight": 0}, {"name": "b", "weight": 2}, {"name": "c", "weight": 1}]

    found = arms.compared(unleash.flag({"name": "f", "enabled": True, "variants": given}))

    assert found.weights == {"b": 2.0, "c": 1.0}


def test_the_demo_has_one_to_look_at(db: None) -> None:
    flag_demo.seed()
    for _ in range(2):
        demo.seed()

    found = results.of(Experiment.objects.get())

    assert found.subjects > 10_000
    assert not found.is_suspicious
    assert found.goals[0].lines[1].comparison is not None


def test_an_entry_of_an_experiment_holds_no_rules_to_go_back_to(db: None) -> None:
    experiment()
    entry = FlagChange.objects.get(action="experiment_started")

    with pytest.raises(ConflictError):
        history.revert(change_id=entry.pk, author=AUTHOR, now=timezone.now())
