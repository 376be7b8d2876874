"""Segments of Flagsmith as formulas, operator by operator as its engine compares.

There a trait that looks like a number is one, whatever it was sent as, and is compared with what is
written as a number of the same kind: 18 is never more than 17.5. What is missing satisfies nothing
but IS_NOT_SET.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from flags.imports.formulas import (
    ALWAYS,
    NEVER,
    CantSayError,
    Formula,
    Share,
    all_of,
    any_of,
    compare,
    is_set,
    negated,
)
from flags.imports.reading import SCALAR, Fields, Json

USER = "userId"
Note = Callable[[str], None]

_WHOLE, _DECIMAL = "-?[0-9]+", r"-?[0-9]+\.[0-9]+"
_KINDS = ("ALL", "ANY", "NONE")
_RULE = {"type": str, "rules": list, "conditions": list}
_CONDITION = {"operator": str, "property_": str, "property": str, "value": SCALAR | list}
_PATHS = {"$.identity.identifier": USER, "$.environment.name": "environment"}
_COMPARED = {
    "GREATER_THAN": "GT",
    "GREATER_THAN_INCLUSIVE": "GTE",
    "LESS_THAN": "LT",
    "LESS_THAN_INCLUSIVE": "LTE",
}
_VERSION = ":semver"


def look_at_rules(given: Any, at: str, fields: Fields) -> None:
    """Note what nobody knows of the rules of a segment."""
    for place, rule in fields.objects(given, at):
        fields.look(rule, place, carried=_RULE, left_out={"id"})
        if rule.get("type") not in _KINDS:
            fields.wrong(f"{place}/type", f"{place}/type is not known here.")
        for where, condition in fields.objects(rule.get("conditions"), f"{place}/conditions"):
            fields.look(condition, where, carried=_CONDITION, left_out={"id", "description"})
        look_at_rules(rule.get("rules"), f"{place}/rules", fields)


def formula(segment: Json, note: Note) -> Formula:
    """Return whom a segment holds. Raises CantSayError."""
    rules = segment.get("rules") or []
    if not rules:
        return NEVER
    return all_of(_rule(each, segment, note) for each in rules)


def _rule(given: Json, segment: Json, note: Note) -> Formula:
    conditions = [_condition(each, segment, note) for each in given.get("conditions") or []]
    rules = [_rule(each, segment, note) for each in given.get("rules") or []]
    return all_of([_together(given["type"], conditions), _together(given["type"], rules)])


def _together(kind: str, formulas: list[Formula]) -> Formula:
    """Join them; an empty list holds, whatever the kind."""
    if not formulas:
        return ALWAYS
    if kind == "ALL":
        return all_of(formulas)
    return any_of(formulas) if kind == "ANY" else negated(any_of(formulas))


def _condition(given: Json, segment: Json, note: Note) -> Formula:
    operator, value = str(given.get("operator")), given.get("value")
    name = str(given.get("property_") or given.get("property") or "")
    if operator == "PERCENTAGE_SPLIT":
        return _split(name, value, segment, note)
    field = _field(name)
    if operator == "IS_SET":
        return is_set(field)
    if operator == "IS_NOT_SET":
        return negated(is_set(field))
    if operator == "IN":
        return _among(field, value)
    return _compared(field, operator, "" if value is None else str(value))


def _field(name: str) -> str:
    if name in _PATHS:
        return _PATHS[name]
    if name.startswith("$."):
        raise CantSayError(f"it asks for {name}")
    return name


def _split(name: str, value: Any, segment: Json, note: Note) -> Formula:
    try:
        percent = float(value)
    except (TypeError, ValueError):
        return NEVER
    note(f"The segment {segment.get('name')}: its percentage stays, and deals the people anew.")
    by = USER if name in {"", "$.identity.key"} else _field(name)
    if percent >= 100:
        return is_set(by)
    share = Share(max(0.0, round(percent, 3)), by, f"segment {segment.get('id')}")
    return ((share,),) if percent > 0 else NEVER


def _among(field: str, value: Any) -> Formula:
    """There a number with a point is in no list."""
    values = [each for each in _listed(value) if not re.fullmatch(_DECIMAL, each)]
    return compare(field, "IN", *values) if values else NEVER


def _listed(value: Any) -> list[str]:
    if isinstance(value, str) and value.startswith("["):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value.split(",")  # type: ignore[no-any-return]  # still text
    return [str(each) for each in value] if isinstance(value, list) else str(value).split(",")


# -- Comparisons -----------------------------------------------------------------------------------
def _compared(field: str, operator: str, value: str) -> Formula:
    if operator in _COMPARED:
        return _ordered(field, _COMPARED[operator], value)
    if operator in _OPERATORS:
        return _OPERATORS[operator](field, value)
    raise CantSayError(f"{operator} can't be said here")


def _contains(field: str, value: str) -> Formula:
    return all_of([compare(field, "STR_CONTAINS", value), negated(_number(field))])


def _contains_not(field: str, value: str) -> Formula:
    contains = compare(field, "STR_CONTAINS", value)
    return all_of([is_set(field), negated(_number(field)), negated(contains)])


def _matches(field: str, value: str) -> Formula:
    """There an expression has to match from the beginning on."""
    return compare(field, "REGEX", value=f"^(?:{value})")


def _differs(field: str, value: str) -> Formula:
    return all_of([_comparable(field, value), negated(_equal(field, value))])


def _equal(field: str, value: str) -> Formula:
    if value.endswith(_VERSION):
        return compare(field, "SEMVER_EQ", value=value.removesuffix(_VERSION))
    if value in {"True", "False"}:
        return compare(field, "IN", value, value.lower())
    if not _is_number(value):
        return compare(field, "IN", value)
    equal = compare(field, "NUM_EQ", value=value)
    return equal if re.fullmatch(_WHOLE, value) else all_of([equal, _like(field, _DECIMAL)])


def _comparable(field: str, value: str) -> Formula:
    """Return for what NOT_EQUAL may hold: what can be read as what the value is."""
    if value.endswith(_VERSION):
        return compare(field, "SEMVER_GTE", value="0.0.0-0")
    if re.fullmatch(_WHOLE, value):
        return is_set(field)
    if _is_number(value):
        return all_of([is_set(field), negated(_like(field, _WHOLE))])
    return all_of([is_set(field), negated(_number(field))])


def _ordered(field: str, operator: str, value: str) -> Formula:
    if value.endswith(_VERSION):
        return compare(field, f"SEMVER_{operator}", value=value.removesuffix(_VERSION))
    if not _is_number(value):
        raise CantSayError(f"it compares {field} with {value!r} by the alphabet")
    ordered = compare(field, f"NUM_{operator}", value=value)
    return ordered if re.fullmatch(_WHOLE, value) else all_of([ordered, _like(field, _DECIMAL)])


def _is_number(value: str) -> bool:
    return re.fullmatch(rf"{_WHOLE}|{_DECIMAL}", value) is not None


def _like(field: str, pattern: str) -> Formula:
    return compare(field, "REGEX", value=f"^{pattern}$")


def _number(field: str) -> Formula:
    return _like(field, rf"(?:{_WHOLE}|{_DECIMAL})")


_OPERATORS: dict[str, Callable[[str, str], Formula]] = {
    "EQUAL": _equal,
    "NOT_EQUAL": _differs,
    "CONTAINS": _contains,
    "NOT_CONTAINS": _contains_not,
    "REGEX": _matches,
}
