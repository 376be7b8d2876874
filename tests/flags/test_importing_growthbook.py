"""Taking over GrowthBook's features, as its SDKs are served them."""

from typing import Any

import pytest
from django.utils import timezone

import flags
from core.errors import InvalidError
from flags import snapshots
from flags.imports import growthbook
from flags.models import Environment, Flag, FlagChange, FlagRules
from flags.services import importing
from flags.services.importing import Plan
from tests.flags.conftest import AUTHOR

pytestmark = pytest.mark.django_db


def feature(default: Any = False, *rules: Any) -> Any:
    return {"defaultValue": default, "rules": list(rules)}


def gate(name: str, value: Any) -> Any:
    return {"parentConditions": [{"id": name, "condition": {"value": value}, "gate": True}]}


def run(*, groups: Any = None, options: Any = None, **features: Any) -> Plan:
    imported = growthbook.read({"features": features, "savedGroups": groups or {}})
    return importing.run(
        imported=imported, author=AUTHOR, now=timezone.now(), **(options or {})
    )  # fmt: skip


def chosen(**about: Any) -> Any:
    snapshots.refresh("production")
    found = flags.variant("lamp", **about)
    return found.payload.value if found.payload else found.enabled


def strategies(name: str = "lamp") -> Any:
    return FlagRules.objects.get(flag__name=name).strategies


def test_the_first_rule_that_holds_gives_its_value() -> None:
    rules = [
        {"condition": {"id": {"$inGroup": "staff"}}, "force": "mauve"},
        {"condition": {"plan": "pro", "age": {"$gte": 18}}, "force": "red"},
        {"condition": {"plan": {"$ne": "free"}}, "force": None},
    ]
    plan = run(groups={"staff": ["ada"]}, lamp=feature("white", *rules))

    assert (plan.created, plan.notes) == (["lamp"], [])
    assert chosen(userId="ada", plan="pro", age="30") == "mauve"
    assert chosen(userId="bob", plan="pro", age="30") == "red"
    assert chosen(userId="bob", plan="pro", age="17") == "white"


def test_the_second_time_nothing_happens_and_a_dry_run_changes_nothing() -> None:  # FLG 33
    features = {"lamp": feature(False, {"force": True, "coverage": 0.5}), "b": feature("x")}
    assert run(options={"dry_run": True}, **features).created == ["lamp", "b"]
    assert not Flag.objects.exists()
    run(**features)
    versions, entries = Environment.objects.get().version, FlagChange.objects.count()

    plan = run(**features)

    assert (plan.changes_something(), plan.unchanged) == (False, 2)
    assert (Environment.objects.get().version, FlagChange.objects.count()) == (versions, entries)


def test_percentages_stay_and_are_told() -> None:  # FLG 33
    share = {"force": True, "coverage": 0.125, "hashAttribute": "company", "seed": "s"}
    trial = {"variations": ["a", "b"], "weights": [0.3, 0.7], "coverage": 0.5, "key": "trial",
             "namespace": ["n", 0.2, 0.7]}  # fmt: skip
    plan = run(lamp=feature(False, share), other=feature("none", trial))

    assert plan.notes == [
        "lamp: percentages stay, and deal the people anew.",
        "Namespaces become percentages: they no longer exclude each other.",
        "other: percentages stay, and deal the people anew.",
    ]
    wanted = {"rollout": "12.5", "stickiness": "company", "groupId": "s"}
    assert strategies()[0]["parameters"] == wanted
    trial, rest = strategies("other")
    assert trial["parameters"] == {"rollout": "25", "stickiness": "userId", "groupId": "trial"}
    assert [(each["name"], each["weight"]) for each in trial["variants"]] == [
        ("a", 7_500), ("b", 17_500),
    ]  # fmt: skip
    assert rest["variants"][0]["name"] == "none"


def test_an_experiment_that_switches_off_for_some_is_not_turned_on_by_what_follows() -> None:
    trial = {"condition": {"plan": "pro"}, "variations": [False, True]}
    run(lamp=feature(True, trial))

    half = {f"u{number}": chosen(userId=f"u{number}", plan="pro") for number in range(200)}
    assert 60 < sum(half.values()) < 140
    assert chosen(userId="u1", plan="free") is True
    assert chosen(plan="pro") is True  # without what it counts, an experiment is passed over


def test_prerequisites_of_a_feature() -> None:
    run(
        power=feature(False, {"condition": {"plan": "pro"}, "force": True}),
        color=feature(None, {"condition": {"plan": "pro"}, "force": "red"}),
        lamp=feature(True, gate("power", True), gate("color", "red")),
    )

    assert chosen(plan="pro") is True
    assert chosen(plan="free") is False


@pytest.mark.parametrize(
    "rule",
    [
        {"condition": {"tags": {"$elemMatch": {"$eq": "a"}}}, "force": True},
        {"condition": {"tags": {"$size": 2}}, "force": True},
        {"condition": {"title": {"$gt": "m"}}, "force": True},
        {"condition": {"title": {"$regex": "(?!x)"}}, "force": True},
        {"condition": {"title": {"$unheard": 1}}, "force": True},
        {"condition": {"title": ["a"]}, "force": True},
        {"parentConditions": [{"id": "power", "condition": {"value": True}}], "force": True},
        {"contextualBanditRef": "b", "contextualVariations": [True, False]},
        {"variations": [True, False], "ranges": [[0, 0.5]]},
        {"force": False, "coverage": 0.5},
        gate("nothing", True),
    ],
)
def test_what_cant_be_said_comes_switched_off_and_is_told(rule: Any) -> None:  # FLG 33
    plan = run(lamp=feature(True, rule), power=feature(True))

    assert "lamp" in plan.notes[-1]
    assert "It comes switched off." in plan.notes[-1]
    assert chosen(title="x", userId="u") is False


def test_what_has_no_place_is_told() -> None:  # FLG 33
    rule = {"id": "r1", "condition": {"account.plan": "pro"}, "force": True, "meta": [{"key": "0"}]}
    plan = run(lamp=feature(False, rule))

    assert plan.notes == [
        "account.plan is asked for as one field of that name.",
        "id has no place here (1 times).",
        "meta has no place here (1 times).",
    ]
    assert chosen(**{"account.plan": "pro"}) is True


def test_long_values_stay_apart() -> None:
    long = "x" * 300
    rules = [{"condition": {"plan": name}, "force": long + name} for name in ("a", "b")]
    run(lamp=feature("", *rules))

    assert [chosen(plan=name) for name in ("a", "b", "c")] == [long + "a", long + "b", ""]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({"features": []}, ""),
        ({"encryptedFeatures": "x", "features": {}}, "/encryptedFeatures"),
        ({"features": {}, "mystery": 1}, "/mystery"),
        ({"features": {"a": {"odd": 1}}}, "/features/a/odd"),
        ({"features": {"a": feature(1, {"odd": 1})}}, "/features/a/rules/0/odd"),
        ({"features": {"a": feature(1, {"weights": 1})}}, "/features/a/rules/0/weights"),
    ],
)
def test_what_nobody_knows_is_refused(document: Any, pointer: str) -> None:  # FLG 33
    with pytest.raises(InvalidError) as refused:
        growthbook.read(document)

    assert [each.pointer for each in refused.value.problems] == [pointer]


def test_features_that_need_each_other_are_refused() -> None:  # FLG 33
    with pytest.raises(InvalidError):
        run(a=feature(True, gate("b", True)), b=feature(True, gate("a", True)))

    assert not Flag.objects.exists()
