"""Rules out of Unleash's JSON, the format of its client API and of its exports.

Reads what is there and never raises: what is missing or of the wrong type becomes a rule that
holds for nobody, so that one broken flag costs no other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flags.engine.answers import Payload
from flags.engine.context import text
from flags.engine.rules import (
    DEFAULT,
    Constraint,
    Dependency,
    Flag,
    Override,
    Segments,
    Strategy,
    Variant,
)
from flags.engine.rulesets import Ruleset

Json = Mapping[str, Any]
BROKEN = Constraint(field="", operator="")
"""Holds for nobody."""


def ruleset(state: Json, *, version: int = 0) -> Ruleset:
    """Return the flags of an answer of /client/features."""
    features = [flag(each) for each in _objects(state.get("features")) if _name(each)]
    return Ruleset(features, segments=segments(state.get("segments")), version=version)


def segments(given: Any) -> Segments:
    return {
        each["id"]: constraints(each.get("constraints"))
        for each in _objects(given)
        if isinstance(each.get("id"), int)
    }


def flag(given: Json) -> Flag:
    return Flag(
        name=_name(given),
        enabled=given.get("enabled") is True,
        strategies=tuple(strategy(each) for each in _list(given.get("strategies"))),
        variants=tuple(map(variant, _objects(given.get("variants")))),
        dependencies=tuple(map(dependency, _objects(given.get("dependencies")))),
    )


def strategy(given: Any) -> Strategy:
    if not isinstance(given, Mapping):
        return Strategy(name="")
    listed = _list(given.get("segments"))
    return Strategy(
        name=text(given.get("name", "")),
        parameters=_texts(given.get("parameters")),
        constraints=constraints(given.get("constraints")),
        segments=tuple(each if isinstance(each, int) else -1 for each in listed),
        variants=tuple(map(variant, _objects(given.get("variants")))),
    )


def constraints(given: Any) -> tuple[Constraint, ...]:
    return tuple(constraint(each) if isinstance(each, Mapping) else BROKEN for each in _list(given))


def constraint(given: Json) -> Constraint:
    return Constraint(
        field=text(given.get("contextName") or ""),
        operator=text(given.get("operator") or ""),
        values=tuple(text(each) for each in _list(given.get("values")) if each is not None),
        value="" if given.get("value") is None else text(given["value"]),
        inverted=given.get("inverted") is True,
        case_insensitive=given.get("caseInsensitive") is True,
    )


def variant(given: Json) -> Variant:
    weight = given.get("weight")
    return Variant(
        name=_name(given),
        weight=int(weight) if isinstance(weight, int | float) and 0 < weight < 1e9 else 0,
        payload=_payload(given.get("payload")),
        stickiness=text(given.get("stickiness") or DEFAULT),
        overrides=tuple(
            Override(text(each.get("contextName") or ""), frozenset(map(text, values)))
            for each in _objects(given.get("overrides"))
            if (values := _list(each.get("values")))
        ),
    )


def dependency(given: Json) -> Dependency:
    return Dependency(
        flag=text(given.get("feature") or ""),
        enabled=given.get("enabled") is not False,
        variants=frozenset(map(text, _list(given.get("variants")))),
    )


def _payload(given: Any) -> Payload | None:
    if not isinstance(given, Mapping):
        return None
    return Payload(text(given.get("type") or "string"), text(given.get("value") or ""))


def _name(given: Json) -> str:
    name = given.get("name")
    return name if isinstance(name, str) else ""


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _objects(given: Any) -> Iterable[Json]:
    return (each for each in _list(given) if isinstance(each, Mapping))


def _texts(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        return {}
    return {str(name): text(value) for name, value in given.items() if value is not None}
