"""Files with something odd anywhere in them are read or refused: nothing else happens."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from core.errors import InvalidError
from flags.imports import flagsmith, growthbook, launchdarkly, unleash
from flags.imports.plain import Imported
from tests.flags.clients import rules, vendors

ODD: list[Any] = [
    None, True, -1, 3.5, "", "x", [], [None], ["x"], [[]], {}, {"a": 1}, {"value": None},
    "9" * 5000,
]  # fmt: skip
"""Lone surrogates and the like never come here: the parser refuses them."""


def launchdarkly_file() -> Any:
    clauses = [{"attribute": "plan", "op": "in", "values": ["pro", 1, True], "negate": True}]
    rollout = {"variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 1}]}
    there = {
        "on": True,
        "targets": [{"values": ["ada"], "variation": 1}],
        "contextTargets": [],
        "rules": [{"clauses": clauses, "rollout": {**rollout, "bucketBy": "plan"}}],
        "fallthrough": {"variation": 0},
        "offVariation": 1,
        "prerequisites": [{"key": "a", "variation": 0}],
    }
    values = [{"value": "red", "name": "Red"}, {"value": {"a": 1}}]
    flags = [
        {"key": name, "variations": values, "environments": {"production": there}, "tags": ["t"]}
        for name in ("a", "b")
    ]
    return {"items": flags}


ROUNDS = 400
READERS: dict[str, tuple[Callable[[Any], Imported], Any]] = {
    "unleash": (unleash.read, rules.document(1, flags=6)),
    "launchdarkly": (launchdarkly.read, launchdarkly_file()),
    "flagsmith": (flagsmith.read, vendors.flagsmith(1, flags=6, segments=4)),
    "growthbook": (growthbook.read, vendors.growthbook(1, flags=12)),
}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in list(items):
            found += places(value, (*path, key))
    return found


def with_something_odd(document: Any, chance: Random) -> Any:
    made = copy.deepcopy(document)
    *path, last = chance.choice(places(made))
    node = made
    for key in path:
        node = node[key]
    node[last] = chance.choice(ODD)
    return made


@pytest.mark.parametrize("system", READERS)
def test_odd_files_are_read_or_refused(system: str) -> None:  # FLG 33
    read, document = READERS[system]
    chance = Random(5)
    refused = 0
    for _ in range(ROUNDS):
        try:
            read(with_something_odd(document, chance))
        except InvalidError:
            refused += 1

    assert 0 < refused < ROUNDS
