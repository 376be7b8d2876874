"""Taking over LaunchDarkly's flags: the first rule that matches decides, as it did there."""

from typing import Any

import pytest
from django.utils import timezone

import flags
from core.errors import InvalidError
from flags import snapshots
from flags.imports import launchdarkly
from flags.models import Flag, FlagRules
from flags.services import importing
from flags.services.importing import Plan
from tests.flags.conftest import AUTHOR

pytestmark = pytest.mark.django_db
BOOLEAN = [{"value": True}, {"value": False}]
ON, OFF = 0, 1


def flag(key: str = "lamp", variations: Any = BOOLEAN, **there: Any) -> dict[str, Any]:
    rules = {"on": True, "targets": [], "rules": [], "fallthrough": {"variation": OFF}, **there}
    return {"key": key, "variations": variations, "environments": {"production": rules}}


def clause(attribute: str, op: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "values": list(values), **more}


def rule(variation: int, *clauses: Any) -> dict[str, Any]:
    return {"clauses": list(clauses), "variation": variation}


def run(*items: Any, **options: Any) -> Plan:
    imported = launchdarkly.read({"items": list(items)})
    return importing.run(imported=imported, author=AUTHOR, now=timezone.now(), **options)


def on(**about: Any) -> bool:
    snapshots.refresh("production")  # whoever imports for real does so after the commit
    return flags.is_enabled("lamp", **about)


def test_the_first_rule_that_matches_decides() -> None:
    targets = [{"values": ["ada"], "variation": OFF}, {"values": ["bob"], "variation": ON}]
    rules = [
        rule(OFF, clause("plan", "in", "free")),
        rule(ON, clause("country", "in", "de"), clause("age", "greaterThanOrEqual", 18)),
    ]
    plan = run(flag(targets=targets, rules=rules))

    assert (plan.created, plan.notes) == (["lamp"], [])
    german = {"country": "de", "age": "30"}
    assert on(userId="bob", plan="free")
    assert not on(userId="ada", **german)
    assert on(userId="eve", **german)
    assert not on(userId="eve", plan="free", **german)
    assert not on(userId="eve", country="de", age="17")
    assert not on(userId="eve")


def test_a_rule_of_several_conditions_keeps_out_whom_it_matches() -> None:
    both = rule(OFF, clause("a", "in", "1"), clause("b", "in", "1"))
    off = {**rule(OFF), "disabled": True}
    plan = run(flag(rules=[off, both], fallthrough={"variation": ON}))

    assert plan.notes == []
    assert not on(a="1", b="1")
    assert on(a="1", b="2")
    assert on()


def test_a_negated_clause_needs_the_field() -> None:
    run(flag(rules=[rule(ON, clause("country", "in", "de", negate=True))]))

    assert on(country="fr")
    assert not on(country="de")
    assert not on()


def test_percentages_and_values() -> None:
    colors = [{"value": "red", "name": "Red"}, {"value": 2}, {"value": {"a": 1}}]
    weights = [{"variation": index, "weight": 20_000 * (index + 1)} for index in (0, 1)]
    share = [{"variation": ON, "weight": 12_500}, {"variation": OFF, "weight": 87_500}]
    plan = run(
        flag(fallthrough={"rollout": {"variations": share, "bucketBy": "plan"}}),
        flag("color", colors, fallthrough={"rollout": {"variations": weights}}),
    )

    assert len(plan.notes) == 2
    (lamp,) = FlagRules.objects.get(flag__name="lamp").strategies
    wanted = {"rollout": "12.5", "stickiness": "plan", "groupId": "lamp"}
    assert lamp["parameters"] == wanted
    (color,) = FlagRules.objects.get(flag__name="color").strategies
    found = [(each["name"], each["weight"], each["payload"]) for each in color["variants"]]
    assert found == [
        ("Red", 20_000, {"type": "string", "value": "red"}),
        ("2", 40_000, {"type": "number", "value": "2"}),
    ]


@pytest.mark.parametrize(
    "there",
    [
        {"rules": [rule(ON, clause("segment", "segmentMatch", "beta"))]},
        {"rules": [rule(ON, clause("key", "in", "x", contextKind="device"))]},
        {"contextTargets": [{"contextKind": "device", "values": ["x"], "variation": ON}]},
        {"rules": [rule(7, clause("a", "in", "1"))]},
        {"fallthrough": {"variation": ON}, "prerequisites": [{"key": "none", "variation": ON}]},
    ],
)
def test_what_cant_be_said_comes_switched_off_and_is_told(there: Any) -> None:  # FLG 33
    plan = run(flag(**there))

    assert len(plan.notes) == 1
    assert "switched off" in plan.notes[0]
    assert not on(segment="beta", a="1", key="x", userId="x")


def test_prerequisites_and_dry_runs() -> None:  # FLG 33
    needs = flag("lamp", fallthrough={"variation": ON}, prerequisites=[
        {"key": "power", "variation": ON},
    ])  # fmt: skip
    power = flag("power", fallthrough={"variation": ON})
    assert run(power, needs, dry_run=True).created == ["power", "lamp"]
    assert not Flag.objects.exists()

    run(power, needs)
    assert on()
    assert not run(power, needs).changes_something()
    run(flag("power", on=False), needs)
    assert not on()


def test_the_rest_is_told_or_kept() -> None:
    kept = {"temporary": False, "clientSideAvailability": {"usingEnvironmentId": True}}
    given = {**flag(fallthrough={"variation": ON}, offVariation=ON), **kept, "tags": ["ops"]}
    plan = run(given, {**flag("old"), "archived": True})

    assert plan.created == ["lamp"]
    assert [note.split(" ")[0] for note in plan.notes] == ["old", "lamp", "lamp:"]
    made = Flag.objects.get()
    assert (made.is_client_visible, made.is_permanent) == (True, True)


def test_what_has_no_place_is_told() -> None:  # FLG 33
    tracked = {**rule(ON, clause("a", "in", "1", _id="c")), "trackEvents": True, "_id": "r"}
    given = {**flag(rules=[tracked], trackEvents=True, salt="x"), "name": "The lamp"}

    assert run(given).notes == [
        "name has no place here (1 times).",
        "salt has no place here (1 times).",
        "trackEvents has no place here (2 times).",
        "_id has no place here (2 times).",
    ]


def test_flags_that_need_each_other_are_refused() -> None:  # FLG 33
    first = flag("a", prerequisites=[{"key": "b", "variation": ON}])
    second = flag("b", prerequisites=[{"key": "a", "variation": ON}])

    with pytest.raises(InvalidError, match="saved") as refused:
        run(first, second)

    assert refused.value.problems[0].detail == "They need each other: a → b → a."
    assert not Flag.objects.exists()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"mystery": 1}, "/items/0/mystery"),
        ({"variations": [{"odd": 1}]}, "/items/0/variations/0/odd"),
        ({"environments": {"p": {"odd": 1}}}, "/items/0/environments/p/odd"),
        (
            {"environments": {"p": {"rules": [{"clauses": [{"odd": 1}]}]}}},
            "/items/0/environments/p/rules/0/clauses/0/odd",
        ),
    ],
)
def test_what_nobody_knows_is_refused(given: Any, pointer: str) -> None:  # FLG 33
    with pytest.raises(InvalidError) as refused:
        launchdarkly.read({"items": [{**flag(), **given}]})

    assert [each.pointer for each in refused.value.problems] == [pointer]


@pytest.mark.parametrize("document", [[], {"items": [{}]}, {"items": "x"}, {"flags": {}}])
def test_another_file_is_refused(document: Any) -> None:  # FLG 33
    with pytest.raises(InvalidError):
        launchdarkly.read(document)
