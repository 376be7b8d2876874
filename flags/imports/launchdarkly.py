"""LaunchDarkly's flags, as its REST API lists them (GET /api/v2/flags/{project}?summary=0).

There the first rule that matches decides, here any strategy that holds. So whoever a rule decides
otherwise for is kept out of the strategies that follow. A flag with something that can't be said
here comes switched off, with a note: nobody shall get what they did not get there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.errors import FieldProblem, InvalidError
from flags.imports.plain import Imported, ImportedFlag
from flags.models import MAX_NAME

SYSTEM = "launchdarkly"
Json = Mapping[str, Any]
_LISTS = {
    "in": "IN",
    "startsWith": "STR_STARTS_WITH",
    "endsWith": "STR_ENDS_WITH",
    "contains": "STR_CONTAINS",
}
_SINGLE = {
    "matches": "REGEX",
    "lessThan": "NUM_LT",
    "lessThanOrEqual": "NUM_LTE",
    "greaterThan": "NUM_GT",
    "greaterThanOrEqual": "NUM_GTE",
    "before": "DATE_BEFORE",
    "after": "DATE_AFTER",
    "semVerEqual": "SEMVER_EQ",
    "semVerLessThan": "SEMVER_LT",
    "semVerGreaterThan": "SEMVER_GT",
}
_FIELDS = {"key": "userId", "ip": "remoteAddress"}
_PER_PERCENT = 1000
"""Weights are thousandths of a percent."""


class CantSayError(Exception):
    """What has no counterpart here, in words."""


def read(document: Any) -> Imported:
    """Raises InvalidError for what is no such file."""
    items = document.get("items", [document]) if isinstance(document, Mapping) else None
    if not isinstance(items, list) or not all(map(_is_flag, items)):
        raise InvalidError(FieldProblem("", "invalid", "This is no list of LaunchDarkly's flags."))
    kept = [each for each in items if not each.get("archived")]
    notes = [f"{each['key']} is archived there and left out." for each in items if each not in kept]
    by_key = {each["key"]: each for each in kept}
    flags = [_flag(each, by_key, notes) for each in kept]
    return Imported(system=SYSTEM, flags=flags, notes=[*notes, *_chains(flags)])


def _is_flag(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and isinstance(given.get("key"), str)
        and 0 < len(given["key"]) <= MAX_NAME
        and isinstance(given.get("variations"), list)
        and isinstance(given.get("environments"), Mapping)
    )


def _flag(given: Json, by_key: Mapping[str, Json], notes: list[str]) -> ImportedFlag:
    name, needs, rules = given["key"], [], {}
    for environment, there in given["environments"].items():
        at = f"{name} in {environment}"
        try:
            rules[environment] = _Rules(given, there, at, notes).fields()
            found = [_needed(each, by_key) for each in there.get("prerequisites") or []]
            if needs and needs != found:
                raise CantSayError("its prerequisites differ between environments")
            needs = found
        except CantSayError as error:
            notes.append(f"{at}: {error}. It comes switched off.")
            rules[environment] = {"enabled": False, "strategies": [], "variants": []}
    if given.get("tags"):
        notes.append(f"{name}: tags have no place here.")
    return ImportedFlag(name, {**_settings(given), "dependencies": needs}, rules)


def _settings(given: Json) -> dict[str, Any]:
    told = given.get("clientSideAvailability") or {}
    return {
        "description": str(given.get("description") or ""),
        "is_client_visible": any(
            told.get(each) for each in ("usingEnvironmentId", "usingMobileKey")
        ),
        "is_permanent": given.get("temporary") is False,
    }


def _needed(given: Json, by_key: Mapping[str, Json]) -> dict[str, Any]:
    name = str(given.get("key"))
    if name not in by_key:
        raise CantSayError(f"the file lacks its prerequisite {name}")
    value = _value(by_key[name], int(given.get("variation") or 0))
    if not isinstance(value, bool):
        raise CantSayError(f"its prerequisite {name} is neither true nor false")
    return {"feature": name, "enabled": value}


def _chains(flags: list[ImportedFlag]) -> Iterator[str]:
    needing = {each.name for each in flags if each.settings["dependencies"]}
    for flag in flags:
        for needed in flag.settings["dependencies"]:
            if needed["feature"] in needing:
                yield f"{flag.name}: {needed['feature']} has prerequisites itself; it is never on."


@dataclass
class _Rules:
    """The rules of one flag in one environment."""

    flag: Json
    given: Json
    at: str
    notes: list[str]
    kept_out: list[dict[str, Any]] = field(default_factory=list)
    """Constraints of whoever an earlier rule decided for."""
    must_end: bool = False
    """Whom the last rule decided for can't be kept out of what follows."""

    def fields(self) -> dict[str, Any]:
        if self.given.get("contextTargets"):
            raise CantSayError("it targets other contexts than users one by one")
        off = self.given.get("offVariation")
        if off is not None and _value(self.flag, off) is not False:
            self.notes.append(f"{self.at}: what it gives while it is off is left to the code.")
        strategies = [*self._targets(), *self._rules()]
        never = not strategies
        return {
            "enabled": self.given.get("on") is True and not never,
            "strategies": strategies,
            "variants": [],
        }

    def _targets(self) -> Iterator[dict[str, Any]]:
        for each in self.given.get("targets") or []:
            if values := [str(value) for value in each.get("values") or []]:
                constraint = {"contextName": "userId", "operator": "IN", "values": values}
                yield from self._serve(each, [constraint])

    def _rules(self) -> Iterator[dict[str, Any]]:
        for rule in self.given.get("rules") or []:
            found = [each for clause in rule.get("clauses") or [] for each in _clause(clause)]
            yield from self._serve(rule, found)
        yield from self._serve(self.given.get("fallthrough") or {}, [])

    def _serve(self, rule: Json, constraints: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Return a strategy where the rule turns the flag on for some, and keep out the others."""
        shares = self._shares(rule)
        on = {index: weight for index, weight in shares.items() if self._value(index) is not False}
        share = sum(on.values())
        if share and self.must_end:
            raise CantSayError("a rule of several conditions is followed by others")
        if share:
            yield self._strategy(rule, [*constraints, *self.kept_out], on, share)
        is_final = share == 100 * _PER_PERCENT and self._is_boolean()
        if not is_final and len(constraints) == 1:
            self.kept_out.append({**constraints[0], "inverted": True})
        elif not is_final:
            self.must_end = True

    def _shares(self, rule: Json) -> dict[int, int]:
        rollout = rule.get("rollout")
        if rollout is None:
            return {int(rule.get("variation") or 0): 100 * _PER_PERCENT}
        self.notes.append(f"{self.at}: percentages stay, and deal the people anew.")
        found: dict[int, int] = {}
        for each in rollout.get("variations") or []:
            found[each["variation"]] = found.get(each["variation"], 0) + each["weight"]
        return found

    def _strategy(
        self, rule: Json, constraints: list[Any], on: dict[int, int], share: int
    ) -> dict[str, Any]:
        by = (rule.get("rollout") or {}).get("bucketBy") or "key"
        found: dict[str, Any] = {"name": "default", "parameters": {}, "constraints": constraints}
        if share < 100 * _PER_PERCENT:
            parameters = {
                "rollout": f"{share / _PER_PERCENT:g}",
                "stickiness": _FIELDS.get(by, by),
                "groupId": self.flag["key"],
            }
            found |= {"name": "flexibleRollout", "parameters": parameters}
        if not self._is_boolean():
            found["variants"] = [self._variant(index, on[index]) for index in on if on[index]]
        return found

    def _variant(self, index: int, weight: int) -> dict[str, Any]:
        value = self._value(index)
        kind, text = _payload(value)
        name = str(self.flag["variations"][index].get("name") or text)[:MAX_NAME]
        payload = {"type": kind, "value": text}
        return {"name": name, "weight": weight, "stickiness": "userId", "payload": payload}

    def _is_boolean(self) -> bool:
        return all(isinstance(each.get("value"), bool) for each in self.flag["variations"])

    def _value(self, index: int) -> Any:
        return _value(self.flag, index)


def _value(flag: Json, index: int) -> Any:
    try:
        return flag["variations"][index]["value"]
    except (IndexError, KeyError, TypeError):
        raise CantSayError(f"{flag['key']} has no variation {index}") from None


def _payload(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return "string", value
    if isinstance(value, int | float):
        return "number", str(value)
    return "json", orjson.dumps(value).decode()


def _clause(given: Json) -> list[dict[str, Any]]:
    """Return a clause as constraints. A negated one does not hold there without the field."""
    if given.get("contextKind", "user") != "user":
        raise CantSayError(f"it asks for a context of the kind {given['contextKind']}")
    attribute, values = str(given.get("attribute")), given.get("values") or []
    operator = str(given.get("op"))
    found: dict[str, Any] = {"contextName": _FIELDS.get(attribute, attribute)}
    if operator in _LISTS:
        found |= {"operator": _LISTS[operator], "values": [_text(each) for each in values]}
    elif operator in _SINGLE and len(values) == 1 and isinstance(values[0], str | int | float):
        found |= {"operator": _SINGLE[operator], "value": _text(values[0])}
    else:
        raise CantSayError(f"{operator} with {len(values)} values can't be said here")
    if not given.get("negate"):
        return [found]
    is_there = {"contextName": found["contextName"], "operator": "REGEX", "value": ".*"}
    return [is_there, {**found, "inverted": True}]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
