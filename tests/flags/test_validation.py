"""Rules as people write them: every mistake with its place."""

from typing import Any

import pytest

from core.errors import InvalidError
from flags import validation

GOOD: dict[str, Any] = {
    "name": "flexibleRollout",
    "parameters": {"rollout": "33.333", "stickiness": "userId", "groupId": "g"},
    "constraints": [
        {"contextName": "v", "operator": "SEMVER_GT", "value": "1.2.3"},
        {"contextName": "ip", "operator": "IN_CIDR", "values": ["10.0.0.0/8", "::1"]},
        {"contextName": "n", "operator": "REGEX", "value": "^a+$", "inverted": True},
    ],
    "segments": [1],
    "variants": [{"name": "a", "weight": 1, "payload": {"type": "json", "value": "[1]"}}],
    "stages": [{"at": "2026-11-01T00:00:00+01:00", "percentage": 50}],
}
RULE = {"contextName": "x", "operator": "IN", "values": ["a"]}
VARIANT = {"name": "a", "weight": 1}


def pointers(call: Any) -> set[str]:
    with pytest.raises(InvalidError) as refused:
        call()
    return {problem.pointer for problem in refused.value.problems}


def test_what_is_right_is_taken() -> None:
    validation.strategies([GOOD, {"name": "default"}], segments={1})


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "mine"}, "/name"),
        ({"extra": 1}, "/extra"),
        ({"parameters": {}}, "/parameters/rollout"),
        ({"parameters": {"rollout": "33.3333"}}, "/parameters/rollout"),
        ({"parameters": {"rollout": "101"}, "stages": []}, "/parameters/rollout"),
        ({"parameters": {"rollout": "nan"}}, "/parameters/rollout"),
        ({"parameters": {"rollout": True}}, "/parameters/rollout"),
        ({"parameters": {"rollout": "1", "group": "a"}}, "/parameters/group"),
        ({"parameters": 5, "stages": []}, "/parameters"),
        ({"segments": [2]}, "/segments/0"),
        ({"segments": ["1"]}, "/segments/0"),
        ({"constraints": [{**RULE, "operator": "LIKE"}]}, "/constraints/0/operator"),
        ({"constraints": [{**RULE, "values": []}]}, "/constraints/0/values"),
        ({"constraints": [{**RULE, "contextName": ""}]}, "/constraints/0/contextName"),
        ({"constraints": [{**RULE, "inverted": "no"}]}, "/constraints/0/inverted"),
        ({"constraints": [{**RULE, "operator": "REGEX", "value": "(a"}]}, "/constraints/0/value"),
        (
            {"constraints": [{**RULE, "operator": "REGEX", "value": r"(a)\1"}]},
            "/constraints/0/value",
        ),
        ({"constraints": [{**RULE, "operator": "NUM_GT", "value": "a"}]}, "/constraints/0/value"),
        (
            {"constraints": [{**RULE, "operator": "DATE_AFTER", "value": "2026-01-01"}]},
            "/constraints/0/value",
        ),
        (
            {"constraints": [{**RULE, "operator": "IN_CIDR", "values": ["::1", "x"]}]},
            "/constraints/0/values/1",
        ),
        ({"constraints": "all"}, "/constraints"),
        ({"stages": [{"at": "soon", "percentage": 50}]}, "/stages/0/at"),
        (
            {"stages": [{"at": "2026-11-01T00:00:00Z", "percentage": 20}]},
            "/stages/0/percentage",
        ),
        ({"variants": [VARIANT, VARIANT]}, "/variants/1/name"),
        ({"variants": [{**VARIANT, "name": {"a": 1}}]}, "/variants/0/name"),
        ({"variants": [{**VARIANT, "weightType": ["fix"]}]}, "/variants/0/weightType"),
        ({"variants": [{**VARIANT, "weight": 0}]}, "/variants/0/weight"),
        ({"variants": [{**VARIANT, "weight": 1.5}]}, "/variants/0/weight"),
        ({"variants": [{**VARIANT, "weight": True}]}, "/variants/0/weight"),
        (
            {"variants": [{**VARIANT, "payload": {"type": "json", "value": "{"}}]},
            "/variants/0/payload/value",
        ),
        (
            {"variants": [{**VARIANT, "payload": {"type": "number", "value": "x"}}]},
            "/variants/0/payload/value",
        ),
        (
            {"variants": [{**VARIANT, "payload": {"type": "xml", "value": "x"}}]},
            "/variants/0/payload/type",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(change: Any, pointer: str) -> None:  # FLG 13, 15
    wrong = {**GOOD, **change}

    found = pointers(lambda: validation.strategies([GOOD, wrong], segments={1}))

    assert found == {f"/strategies/1{pointer}"}


def test_no_document_gets_through_unjudged() -> None:
    everything: list[Any] = [None, 1, "x", {}, [1], [[]]]
    for wrong in everything:
        assert pointers(lambda wrong=wrong: validation.strategies(wrong, segments=set()))


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ([], "/denied"),
        ({"userId": "a"}, "/denied/userId"),
        ({"domains": ["@a"]}, "/denied/domains"),
        ({"domains": 1}, "/denied/domains"),
    ],
)
def test_lists_of_people(given: Any, pointer: str) -> None:
    assert pointers(lambda: validation.targets(given, pointer="/denied")) == {pointer}
