"""Conditions of GrowthBook, which are spelled as MongoDB's queries, as formulas.

Here every value is text, so what is compared as a number there is compared as one here, and a value
of another type than the condition's satisfies neither.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flags.engine import constraints as engine
from flags.imports.formulas import (
    ALWAYS,
    NEVER,
    CantSayError,
    Formula,
    all_of,
    any_of,
    compare,
    is_set,
    negated,
)

Groups = Mapping[str, Any]
"""The file's saved groups by id: lists, or objects of a type."""
Note = Callable[[str], None]

_FIELDS = {"id": "userId"}
_ORDER = {"$gt": "GT", "$gte": "GTE", "$lt": "LT", "$lte": "LTE"}
_VERSIONS = {"$veq": "EQ", "$vgt": "GT", "$vgte": "GTE", "$vlt": "LT", "$vlte": "LTE"}
_OPPOSITES = {
    "$ne": "$eq", "$nin": "$in", "$nini": "$ini", "$notRegex": "$regex", "$notRegexi": "$regexi",
    "$vne": "$veq", "$notInGroup": "$inGroup",
}  # fmt: skip


def field(attribute: str) -> str:
    return _FIELDS.get(attribute, attribute)


def formula(given: Any, groups: Groups, note: Note) -> Formula:
    """Return whom a condition holds. Raises CantSayError."""
    return _Reader(groups, note).all(given)


class _Reader:
    def __init__(self, groups: Groups, note: Note, within: frozenset[str] = frozenset()) -> None:
        self.groups, self.note, self.within = groups, note, within

    def all(self, given: Any) -> Formula:
        if not isinstance(given, Mapping):
            raise CantSayError("a condition of it is no object")
        return all_of(self._entry(name, value) for name, value in given.items())

    def _entry(self, name: str, value: Any) -> Formula:
        if name in {"$or", "$nor", "$and"}:
            return self._together(name, _listed(value))
        if name == "$not":
            return negated(self.all(value))
        if name == "$savedGroup":
            return self._group(value)
        if name.startswith("$"):
            raise CantSayError(f"{name} can't be said here")
        if "." in name:
            self.note(f"{name} is asked for as one field of that name.")
        return self._value(field(name), value)

    def _together(self, kind: str, given: list[Any]) -> Formula:
        """Join conditions; none at all hold, but for `$nor`."""
        formulas = [self.all(each) for each in given]
        if kind == "$and":
            return all_of(formulas)
        either = any_of(formulas) if formulas else ALWAYS
        return either if kind == "$or" else negated(either)

    def _group(self, given: Any) -> Formula:
        """Return whom a group of a type of its own holds; one that holds itself holds nobody."""
        number = given.get("id") if isinstance(given, Mapping) else None
        group = self.groups.get(str(number))
        if not isinstance(group, Mapping) or str(number) in self.within:
            return NEVER
        if group.get("type") == "list":
            name = str(given.get("attributeKey") or group.get("attributeKey") or "")
            return _among(field(name), group.get("values"))
        if group.get("type") == "condition":
            within = self.within | {str(number)}
            return _Reader(self.groups, self.note, within).all(group.get("condition"))
        raise CantSayError(f"the group {number} can't be said here")

    # -- One field ---------------------------------------------------------------------------------
    def _value(self, name: str, given: Any) -> Formula:
        if isinstance(given, Mapping) and all(str(each).startswith("$") for each in given):
            return all_of(self._operator(name, each, value) for each, value in given.items())
        return _equal(name, given)

    def _operator(self, name: str, operator: str, value: Any) -> Formula:
        if operator in _OPPOSITES:
            return negated(self._operator(name, _OPPOSITES[operator], value))
        if operator == "$not":
            return negated(self._value(name, value))
        if operator == "$exists":
            return is_set(name) if value else negated(is_set(name))
        if operator == "$inGroup":
            return _among(name, self._members(value))
        return _plain(name, operator, value)

    def _members(self, number: Any) -> list[Any]:
        group = self.groups.get(str(number), [])
        return _listed(group.get("values") if isinstance(group, Mapping) else group)


def _plain(name: str, operator: str, value: Any) -> Formula:
    if operator in _OPERATORS:
        return _OPERATORS[operator](name, value)
    if operator in _ORDER:
        return _ordered(name, _ORDER[operator], value)
    if operator in _VERSIONS:
        plain = re.sub(r"^v", "", str(value))
        return compare(name, f"SEMVER_{_VERSIONS[operator]}", value=plain)
    raise CantSayError(f"{operator} can't be said here")


def _matches(name: str, value: Any) -> Formula:
    return compare(name, "REGEX", value=str(value))


def _matches_in_any_case(name: str, value: Any) -> Formula:
    return compare(name, "REGEX", value=str(value), ignores_case=True)


def _equal(name: str, value: Any) -> Formula:
    if value is None:
        return negated(is_set(name))
    if isinstance(value, bool):
        return compare(name, "IN", str(value).lower())
    if isinstance(value, int | float):
        return compare(name, "NUM_EQ", value=str(value))
    if isinstance(value, str):
        return compare(name, "IN", value)
    raise CantSayError(f"it compares {name} with a list or an object")


def _among(name: str, given: Any) -> Formula:
    values = _listed(given)
    texts = [each for each in values if isinstance(each, str)]
    others = [each for each in values if not isinstance(each, str)]
    listed = compare(name, "IN", *texts) if texts else NEVER
    return any_of([listed, *(_equal(name, each) for each in others)])


def _among_in_any_case(name: str, given: Any) -> Formula:
    values = _listed(given)
    texts = [each for each in values if isinstance(each, str)]
    others = [_equal(name, each) for each in values if not isinstance(each, str)]
    if not texts:
        return any_of(others)
    pattern = "|".join(map(re.escape, texts))
    listed = compare(name, "REGEX", value=f"^(?:{pattern})$", ignores_case=True)
    return any_of([listed, *others])


def _ordered(name: str, operator: str, value: Any) -> Formula:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return compare(name, f"NUM_{operator}", value=str(value))
    if not isinstance(value, str) or engine.moment(value) is None:
        raise CantSayError(f"it compares {name} with {str(value)[:50]!r} by the alphabet")
    strict = compare(name, "DATE_AFTER" if operator[0] == "G" else "DATE_BEFORE", value=value)
    return any_of([strict, compare(name, "IN", value)]) if operator.endswith("E") else strict


def _listed(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise CantSayError("a list of a condition is none")
    return given


_OPERATORS: dict[str, Callable[[str, Any], Formula]] = {
    "$eq": _equal,
    "$in": _among,
    "$ini": _among_in_any_case,
    "$regex": _matches,
    "$regexi": _matches_in_any_case,
}
