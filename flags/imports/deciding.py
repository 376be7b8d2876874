"""Rules of which the first that matches decides, as strategies of which any may hold.

Strategies are tried in their order too, so only whom a rule switches the flag off for has to be
kept out of those that follow.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from core.errors import InvalidError
from flags import validation
from flags.imports.formulas import (
    ALWAYS,
    CantSayError,
    Comparison,
    Formula,
    Share,
    Way,
    all_of,
    is_set,
    negated,
)
from flags.models import MAX_NAME

ALL = 100_000
"""A percentage of 100 in thousandths."""


@dataclass(frozen=True, slots=True)
class Part:
    """What some of those get whom a rule matches."""

    weight: int
    """Thousandths of a percent."""
    is_on: bool
    name: str = ""
    """Of the variant; empty: on, and nothing more."""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Rule:
    when: Formula
    parts: tuple[Part, ...]
    """Whoever is in none of them goes on to the next rule."""
    by: str = ""
    """The field whose value decides between the parts, and without which the rule is passed over;
    empty: nothing is to be decided."""
    group: str = ""
    passes_over: bool = True
    """False: it decides for those without the field too, and gives them nothing."""


def fields(rules: Iterable[Rule]) -> dict[str, Any]:
    """Return the fields of FlagRules. Raises CantSayError."""
    found = list(_strategies(rules))
    try:
        validation.strategies(found, segments=frozenset())
    except InvalidError as error:
        problem = error.problems[0]
        raise CantSayError(f"{problem.pointer}: {problem.detail}") from None
    return {"enabled": bool(found), "strategies": found, "variants": []}


def everybody(is_on: bool, value: Any = None, *, name: str = "") -> tuple[Part, ...]:
    return (part(ALL, is_on, value, name=name),)


def part(weight: int, is_on: bool, value: Any = None, *, name: str = "") -> Part:
    """Name a variant by its value where it has no name; None is no value."""
    if value is None:
        return Part(weight, is_on)
    return Part(weight, is_on, name[:MAX_NAME] or name_of_value(value), value)


def name_of_value(value: Any) -> str:
    """Return a name that no other value has, also where the value is long."""
    text = payload(value)["value"]
    if len(text) <= MAX_NAME:
        return text or "empty"
    return f"{text[:200]}… {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def payload(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"type": "string", "value": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"type": "number", "value": str(value)}
    return {"type": "json", "value": orjson.dumps(value).decode()}


def _strategies(rules: Iterable[Rule]) -> Iterator[dict[str, Any]]:
    decided: list[Rule] = []
    for rule in rules:
        on = [each for each in rule.parts if each.is_on and each.weight]
        total = min(ALL, sum(each.weight for each in on))
        if total:
            key = ALWAYS if total < ALL else _key(rule)  # a percentage asks for it anyway
            whoever = all_of([rule.when, key, *map(_others, decided)])
            yield from (_strategy(way, rule, on, total) for way in whoever)
        if total < sum(each.weight for each in rule.parts):
            decided.append(rule)


def _key(rule: Rule) -> Formula:
    return is_set(rule.by) if rule.by and rule.passes_over else ALWAYS


def _others(rule: Rule) -> Formula:
    """Return whom a rule that switches off leaves to those that follow."""
    if sum(each.weight for each in rule.parts) < ALL:
        raise CantSayError("a rule switches it off for some percent, and others follow")
    return negated(all_of([rule.when, _key(rule)]))


def _strategy(way: Way, rule: Rule, on: list[Part], total: int) -> dict[str, Any]:
    tests = [each.plain() for each in way if isinstance(each, Comparison)]
    shares = [each for each in way if isinstance(each, Share)]
    if total < ALL:
        shares.append(Share(total / 1000, rule.by, rule.group))
    found: dict[str, Any] = {"name": "default", "parameters": {}, "constraints": tests}
    if len(shares) > 1:
        raise CantSayError("it asks for a percentage of a percentage")
    for each in shares:
        parameters = {"rollout": f"{each.percent:g}", "stickiness": each.by, "groupId": each.group}
        found |= {"name": "flexibleRollout", "parameters": parameters}
    if found_variants := variants(on, by=rule.by):
        found["variants"] = found_variants
    return found


def variants(parts: Iterable[Part], *, by: str = "") -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "weight": each.weight,
            "stickiness": by or "userId",
            "payload": payload(each.value),
        }
        for each in _merged(parts)
    ]


def _merged(parts: Iterable[Part]) -> list[Part]:
    """Let those of one name be one variant."""
    found: dict[str, Part] = {}
    for each in parts:
        if each.name:
            weight = each.weight + (found[each.name].weight if each.name in found else 0)
            found[each.name] = Part(min(weight, ALL), True, each.name, each.value)
    return list(found.values())
