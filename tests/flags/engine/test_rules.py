"""Lists, order, prerequisites, times, and rules that are broken."""

from dataclasses import replace
from typing import Any

import pytest

from flags.engine import Ruleset, unleash
from flags.engine.constraints import OPERATORS, compile_constraint, error
from flags.engine.rules import Constraint, Dependency, Flag, Strategy, Targets, Variant
from flags.engine.versions import precedence

UMA = {"userId": "uma", "email": "Uma@Example.com", "organization": "acme"}
ALL = Strategy("default")
NONE = Strategy("flexibleRollout", {"rollout": "0"})


def reason(flag: Flag, about: dict[str, str], *others: Flag) -> str:
    flags = Ruleset([flag, *others])
    answer = flags.answer(flag.name, about)
    assert answer.enabled == flags.is_enabled(flag.name, about)
    return answer.reason.value


@pytest.mark.parametrize(
    "targets",
    [
        Targets({"userId": frozenset({"uma"})}),
        Targets({"email": frozenset({"uma@example.COM"})}),
        Targets({"organization": frozenset({"acme"}), "userId": frozenset({"sam"})}),
        Targets(domains=frozenset({"example.com"})),
    ],
)
def test_a_denied_subject_never_gets_it(targets: Targets) -> None:  # FLG 8, FLG 9
    assert reason(Flag("f", True, (ALL,), denied=targets), UMA) == "DENIED"
    assert reason(Flag("f", True, (ALL,), denied=targets, allowed=targets), UMA) == "DENIED"
    assert reason(Flag("f", True, (NONE,), allowed=targets), UMA) == "TARGETING_MATCH"
    assert reason(Flag("f", False, (ALL,), allowed=targets), UMA) == "DISABLED"


def test_a_strategy_that_misses_lets_the_next_one_try() -> None:  # FLG 8
    only_sam = Strategy("userWithId", {"userIds": "sam"})

    assert reason(Flag("f", True, (only_sam,)), UMA) == "DEFAULT"
    assert reason(Flag("f", True, (only_sam, NONE)), UMA) == "SPLIT"
    assert reason(Flag("f", True, (only_sam, ALL)), UMA) == "STATIC"
    assert Ruleset([Flag("f", True, (only_sam, ALL))]).is_enabled("f", UMA)


def test_a_schedule_includes_its_start_and_not_its_end() -> None:  # FLG 17
    flag = Flag("f", True, starts_at=1_000.0, ends_at=2_000.0)

    def at(moment: str) -> str:
        return reason(flag, {"currentTime": moment})

    assert at("1970-01-01T00:16:39.999Z") == "DISABLED"
    assert at("1970-01-01T00:16:40Z") == "STATIC"
    assert at("1970-01-01T00:33:19.999Z") == "STATIC"
    assert at("1970-01-01T00:33:20Z") == "DISABLED"
    assert reason(flag, {}) == "DISABLED"


def test_a_prerequisite_that_fails_is_named() -> None:  # FLG 14
    flag = Flag("f", True, dependencies=(Dependency("parent"),))
    off, on = Flag("parent", False), Flag("parent", True)

    assert Ruleset([flag, off]).answer("f", {}).detail == "parent"
    assert reason(flag, {}, off) == "PREREQUISITE_FAILED"
    assert reason(flag, {}, on) == "STATIC"
    assert reason(flag, {}) == "PREREQUISITE_FAILED"


def test_circles_are_off_and_end() -> None:  # FLG 14
    ring = [Flag(f"f{n}", True, dependencies=(Dependency(f"f{(n + 1) % 3}"),)) for n in range(3)]
    itself = Flag("f", True, dependencies=(Dependency("f"),))

    assert not any(Ruleset(ring).is_enabled(flag.name, {}) for flag in ring)
    assert not Ruleset([itself]).is_enabled("f", {})


def test_weights_share_variants_and_nothing_is_random() -> None:  # FLG 7, FLG 15
    variants = (Variant("a", 1), Variant("b", 3), Variant("none", 0))
    flags = Ruleset([Flag("f", True, variants=variants)])

    got = [flags.answer("f", {"userId": str(n)}).variant for n in range(4_000)]

    assert 900 < got.count("a") < 1_100
    assert got.count("none") == 0
    assert {flags.answer("f", {}).variant for _ in range(50)} == {None}
    assert Ruleset([Flag("f", True, variants=(Variant("x", 0),))]).answer("f", UMA).variant is None


# -- Broken and hostile ----------------------------------------------------------------------------
VALUES = ["", "junk", "1", "1.2.3", "2026-01-31T09:00:00Z", "10.0.0.1", "\x00", "é" * 300, "(a+)+$"]


@pytest.mark.parametrize("operator", [*sorted(OPERATORS), "BOGUS", ""])
def test_no_operator_raises_whatever_it_compares(operator: str) -> None:  # FLG 12
    for wanted in VALUES:
        for inverted in (False, True):
            rule = Constraint("x", operator, (wanted,), wanted, inverted)
            check = compile_constraint(rule)
            answers = [check({"x": value}) for value in VALUES]
            assert all(isinstance(answer, bool) for answer in [*answers, check({})])
            if error(rule):
                assert operator == "REGEX" or not any(answers)


def test_an_expression_that_blows_up_elsewhere_does_not_here() -> None:  # FLG 13
    check = compile_constraint(Constraint("x", "REGEX", value="(a+)+$"))

    assert not check({"x": "a" * 50_000 + "!"})
    assert error(Constraint("x", "REGEX", value="(?=a)")) is not None
    assert error(Constraint("x", "REGEX", value="a{1000}{1000}")) is not None


@pytest.mark.parametrize(
    "given",
    [
        {"name": "f"},
        {"name": "f", "enabled": "yes"},
        {"name": "f", "enabled": True, "strategies": [7, None, {"name": 5}]},
        {"name": "f", "enabled": True, "strategies": [{"name": "default", "constraints": ["x"]}]},
        {"name": "f", "enabled": True, "strategies": [{"name": "default", "segments": ["x"]}]},
        {"name": "f", "enabled": True, "dependencies": [{}]},
        {
            "name": "f",
            "enabled": True,
            "strategies": [{"name": "flexibleRollout", "parameters": 3}],
        },
    ],
)
def test_json_of_wrong_types_is_a_rule_for_nobody(given: dict[str, object]) -> None:
    flags = unleash.ruleset({"features": [given, 3, {}], "segments": [None, {"id": "x"}]})

    assert flags.is_enabled("f", UMA) is False
    assert len(flags) == 1


def test_variants_of_wrong_types_have_no_weight() -> None:
    broken = [
        {},
        {"weight": "x"},
        {"name": "a", "weight": -1},
        {"name": "b", "weight": float("inf")},
    ]
    flags = unleash.ruleset({"features": [{"name": "f", "enabled": True, "variants": broken}]})

    assert flags.answer("f", UMA).variant is None


def test_versions_are_ordered_as_semver_orders_them() -> None:
    ordered = [
        "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0",
    ]  # fmt: skip
    read = [precedence(each) for each in ordered]

    assert None not in read
    assert sorted(read, key=lambda each: each or ()) == read
    assert precedence("1.0.0+a") == precedence("1.0.0+b")
    assert [precedence(each) for each in ("v1.0.0", "1.0", "01.0.0", "1.0.0-", "1.0.0 ")] == [
        None
    ] * 5


WITHOUT_FIELD = {
    "IN": False, "NOT_IN": True, "STR_STARTS_WITH": False, "STR_ENDS_WITH": False,
    "STR_CONTAINS": False, "NUM_EQ": False, "NUM_GT": False, "NUM_GTE": False, "NUM_LT": False,
    "NUM_LTE": False, "SEMVER_EQ": False, "SEMVER_GT": False, "SEMVER_GTE": False,
    "SEMVER_LT": False, "SEMVER_LTE": False, "DATE_AFTER": False, "DATE_BEFORE": False,
    "IN_CIDR": False, "REGEX": False,
}  # fmt: skip
"""What Unleash's clients say of a field that is not there."""


def test_every_operator_is_in_the_table() -> None:
    assert WITHOUT_FIELD.keys() == OPERATORS


@pytest.mark.parametrize(("operator", "holds"), WITHOUT_FIELD.items())
def test_a_field_that_is_not_there(operator: str, holds: bool) -> None:  # FLG 11
    value = {"S": "1.0.0", "D": "2026-01-01T00:00:00Z"}.get(operator[0], "1")
    rule = Constraint("plan", operator, values=("1", "10.0.0.0/8"), value=value)

    assert compile_constraint(rule)({}) is holds
    assert compile_constraint(replace(rule, inverted=True))({}) is not holds


def test_variants_of_one_name_keep_their_own_payloads() -> None:  # FLG 15
    def strategy(plan: str) -> dict[str, Any]:
        constraint = {"contextName": "plan", "operator": "IN", "values": [plan]}
        variant = {"name": "red", "weight": 1, "payload": {"type": "string", "value": plan}}
        return {"name": "default", "constraints": [constraint], "variants": [variant]}

    lamp = {"name": "lamp", "enabled": True, "strategies": [strategy("a"), strategy("b")]}
    rules = unleash.ruleset({"features": [lamp]})

    found = [rules.answer("lamp", {"plan": plan}).payload for plan in ("a", "b", "a")]

    assert [each.value if each else None for each in found] == ["a", "b", "a"]
