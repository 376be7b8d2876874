"""Taking over Flagsmith's flags: documents of environments, and exports."""

from typing import Any

import pytest
from django.utils import timezone

import flags
from core.errors import InvalidError
from flags import snapshots
from flags.imports import flagsmith
from flags.models import Environment, Flag, FlagChange, FlagRules
from flags.services import importing
from flags.services.importing import Plan
from tests.flags.conftest import AUTHOR

pytestmark = pytest.mark.django_db


def state(name: str = "lamp", enabled: bool = True, value: Any = None, **more: Any) -> Any:
    found = {"feature": {"id": len(name), "name": name}, "enabled": enabled}
    return {**found, "feature_state_value": value, **more}


def condition(name: str, operator: str, value: Any = None) -> Any:
    return {"property_": name, "operator": operator, "value": value}


def segment(*conditions: Any, states: Any = (), kind: str = "ALL", **more: Any) -> Any:
    rules = [{"type": kind, "conditions": list(conditions), "rules": []}]
    return {"id": 1, "name": "some", "rules": rules, "feature_states": list(states), **more}


def document(*states: Any, segments: Any = (), people: Any = (), **project: Any) -> Any:
    return {
        "feature_states": list(states),
        "project": {"segments": list(segments), **project},
        "identity_overrides": list(people),
    }


def run(given: Any, **options: Any) -> Plan:
    imported = flagsmith.read(given)
    return importing.run(imported=imported, author=AUTHOR, now=timezone.now(), **options)


def chosen(**about: Any) -> Any:
    snapshots.refresh("production")
    found = flags.variant("lamp", **about)
    return found.payload.value if found.payload else found.enabled


def test_a_person_comes_before_a_segment_and_that_before_the_environment() -> None:
    pro = condition("plan", "EQUAL", "pro")
    first = segment(pro, states=[state(value="second", feature_segment={"priority": 1})])
    second = segment(pro, states=[state(enabled=False, feature_segment={"priority": 2})])
    people = [{"identifier": "ada", "identity_features": [state(value="hers")]}]
    plan = run(document(state(value="plain"), segments=[second, first], people=people))

    assert (plan.created, plan.notes) == (["lamp"], [])
    assert chosen(userId="ada", plan="pro") == "hers"
    assert chosen(userId="bob", plan="pro") == "second"
    assert chosen(userId="bob", plan="free") == "plain"


def test_the_second_time_nothing_happens_and_a_dry_run_changes_nothing() -> None:  # FLG 33
    given = document(state(value="x"), state("other", False))
    assert run(given, dry_run=True).created == ["lamp", "other"]
    assert not Flag.objects.exists()
    run(given)
    versions, entries = Environment.objects.get().version, FlagChange.objects.count()

    plan = run(given)

    assert (plan.changes_something(), plan.unchanged) == (False, 2)
    assert (Environment.objects.get().version, FlagChange.objects.count()) == (versions, entries)


def test_percentages_stay_and_are_told() -> None:  # FLG 33
    shares = [
        {"multivariate_feature_option": {"value": value}, "percentage_allocation": share}
        for value, share in (("red", 20.5), ("blue", 30))
    ]
    lamp = state(value="white", multivariate_feature_state_values=shares)
    tenth = segment(
        condition("", "PERCENTAGE_SPLIT", "10"), states=[state("other")], name="a tenth"
    )
    plan = run(document(lamp, state("other", False), segments=[tenth]))

    assert plan.notes == [
        "lamp: percentages stay, and deal the people anew.",
        "The segment a tenth: its percentage stays, and deals the people anew.",
    ]
    (strategy,) = FlagRules.objects.get(flag__name="lamp").strategies
    found = [(each["payload"]["value"], each["weight"]) for each in strategy["variants"]]
    assert found == [("red", 20_500), ("blue", 30_000), ("white", 49_500)]
    assert chosen() == "white"
    (strategy,) = FlagRules.objects.get(flag__name="other").strategies
    wanted = {"rollout": "10", "stickiness": "userId", "groupId": "segment 1"}
    assert strategy["parameters"] == wanted


@pytest.mark.parametrize(
    "given",
    [
        condition("age", "MODULO", "2|0"),
        condition("title", "GREATER_THAN", "m"),
        condition("title", "REGEX", "(?=x)"),
        condition("$.flags.other.enabled", "EQUAL", "true"),
        condition("title", "NEVER_HEARD_OF", "x"),
    ],
)
def test_what_cant_be_said_comes_switched_off_and_is_told(given: Any) -> None:  # FLG 33
    plan = run(document(state(), segments=[segment(given, states=[state(enabled=False)])]))

    assert [note for note in plan.notes if "It comes switched off." in note] == plan.notes[-1:]
    assert chosen(age="2", title="x") is False


def test_what_has_no_place_is_told() -> None:  # FLG 33
    unused = segment(condition("plan", "IS_SET"), name="unused")
    gone = segment(condition("plan", "IS_SET"), states=[state("gone")])
    lamp = state(enabled=False, value="x", django_id=7)
    plan = run({**document(lamp, segments=[unused, gone]), "webhook_config": {"url": "x"}})

    assert sorted(plan.notes) == [
        "The segment unused is left out: no flag asks.",
        "django_id has no place here (1 times).",
        "gone: overridden, but no feature of the environment; left out.",
        "lamp: what it gives while it is off is left to the code.",
        "webhook_config has no place here (1 times).",
    ]


def test_an_export_of_features_and_who_may_be_told() -> None:
    features: Any = [
        {"name": name, "default_enabled": False, "is_server_key_only": hidden, "value": "x",
         "initial_value": None, "type": "unicode", "enabled": True, "multivariate": []}
        for name, hidden in (("lamp", False), ("secret", True))
    ]  # fmt: skip
    run(features)

    found = {flag.name: flag.is_client_visible for flag in Flag.objects.present()}
    assert found == {"lamp": True, "secret": False}
    assert chosen() == "x"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, ""),
        ("x", ""),
        ({**document(), "mystery": 1}, "/mystery"),
        (document(state(mystery=1)), "/feature_states/0/mystery"),
        (document(state("")), "/feature_states/0/feature/name"),
        (
            document(segments=[segment({**condition("a", "IN", "1"), "odd": 1})]),
            "/project/segments/0/rules/0/conditions/0/odd",
        ),
        (document(segments=[segment(kind="SOME")]), "/project/segments/0/rules/0/type"),
    ],
)
def test_what_nobody_knows_is_refused(given: Any, pointer: str) -> None:  # FLG 33
    with pytest.raises(InvalidError) as refused:
        run(given)

    assert [each.pointer for each in refused.value.problems] == [pointer]
    assert not Flag.objects.exists()
