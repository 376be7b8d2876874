"""Rules as people write them, judged strictly: every mistake with its place.

What is evaluated is read leniently (flags/engine/unleash.py), since a mistake that came some other
way must cost nobody an answer. What is written here is understood in full, or refused.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from core.api.exceptions import escaped
from core.errors import MAX_PROBLEMS, FieldProblem, InvalidError
from flags.engine import constraints as engine
from flags.engine import unleash
from flags.engine.strategies import STRATEGIES

MOST = 200
"""Strategies, constraints or variants in one list."""
MOST_VALUES = 20_000
MOST_TEXT = 65_536
MOST_WEIGHT = 100_000
PAYLOADS = ("string", "number", "json", "csv")
PARAMETERS: dict[str, frozenset[str]] = {
    "default": frozenset(),
    "flexibleRollout": frozenset({"rollout", "stickiness", "groupId"}),
    "userWithId": frozenset({"userIds"}),
    "remoteAddress": frozenset({"IPs"}),
    "applicationHostname": frozenset({"hostNames"}),
    "gradualRolloutUserId": frozenset({"percentage", "groupId"}),
    "gradualRolloutSessionId": frozenset({"percentage", "groupId"}),
    "gradualRolloutRandom": frozenset({"percentage"}),
}
assert PARAMETERS.keys() == STRATEGIES.keys()  # noqa: S101  the engine's, one by one
_PERCENTAGES = {"rollout", "percentage"}


@dataclass
class Found:
    """What is wrong so far."""

    problems: list[FieldProblem] = field(default_factory=list)

    def add(self, pointer: str, detail: str, code: str = "invalid") -> None:
        self.problems.append(FieldProblem(pointer, code, detail))

    def refuse(self) -> None:
        if self.problems:
            raise InvalidError(*self.problems[:MAX_PROBLEMS])


def strategies(given: Any, *, segments: Set[int], pointer: str = "/strategies") -> None:
    """Raises InvalidError."""
    found = Found()
    for at, each in _objects(given, pointer, found):
        _Strategy(found, segments).judge(each, at)
    found.refuse()


def variants(given: Any, *, pointer: str = "/variants") -> None:
    """Raises InvalidError."""
    found = Found()
    _variants(given, pointer, found, keys=_FLAG_VARIANT)
    found.refuse()


def constraints(given: Any, *, pointer: str = "/constraints") -> None:
    """Raises InvalidError."""
    found = Found()
    _constraints(given, pointer, found)
    found.refuse()


def targets(given: Any, *, pointer: str) -> None:
    """Raises InvalidError."""
    found = Found()
    if not isinstance(given, Mapping):
        found.add(pointer, "Give an object of lists by field.")
    else:
        for name, values in given.items():
            at = f"{pointer}/{escaped(str(name))}"
            _texts(values, at, found)
            is_list = isinstance(values, list)
            if name == "domains" and is_list and any("@" in str(each) for each in values):
                found.add(at, "Write a domain without the @: example.com.")
    found.refuse()


# -- Strategies ------------------------------------------------------------------------------------
class _Strategy:
    KEYS = frozenset({"name", "parameters", "constraints", "segments", "variants", "stages"})

    def __init__(self, found: Found, segments: Set[int]) -> None:
        self.found, self.known_segments = found, segments

    def judge(self, given: Mapping[str, Any], at: str) -> None:
        _keys(given, self.KEYS, at, self.found)
        name = given.get("name")
        if not isinstance(name, str) or name not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            self.found.add(f"{at}/name", f"There is no such strategy. There are: {known}.")
            return
        self._parameters(name, given.get("parameters", {}), f"{at}/parameters")
        self._segments(given.get("segments", []), f"{at}/segments")
        self._stages(name, given, f"{at}/stages")
        _constraints(given.get("constraints", []), f"{at}/constraints", self.found)
        _variants(given.get("variants", []), f"{at}/variants", self.found, keys=_VARIANT)

    def _parameters(self, name: str, given: Any, at: str) -> None:
        if not isinstance(given, Mapping):
            self.found.add(at, "Give an object.")
            return
        _keys(given, PARAMETERS[name], at, self.found)
        for key, value in given.items():
            place = f"{at}/{escaped(str(key))}"
            if key in _PERCENTAGES:
                _percentage(value, place, self.found)
            elif not isinstance(value, str) or not value or len(value) > MOST_TEXT:
                self.found.add(place, "Give some text.")
        for key in sorted(PARAMETERS[name] & _PERCENTAGES - given.keys()):
            self.found.add(f"{at}/{key}", "Say for how many percent.", "required")

    def _segments(self, given: Any, at: str) -> None:
        if not isinstance(given, list):
            self.found.add(at, "Give a list of segments by their ids.")
            return
        for index, each in enumerate(given):
            if not isinstance(each, int) or each not in self.known_segments:
                self.found.add(f"{at}/{index}", "There is no such segment.")

    def _stages(self, name: str, given: Mapping[str, Any], at: str) -> None:
        """Stages rise in time and in percentage: nobody who has it loses it."""
        if "stages" not in given:
            return
        if name != "flexibleRollout":
            self.found.add(at, "Stages belong to flexibleRollout.")
            return
        last_at = float("-inf")
        parameters = given.get("parameters")
        first = parameters.get("rollout") if isinstance(parameters, Mapping) else None
        last = _as_decimal(first) or Decimal(0)
        for place, each in _objects(given["stages"], at, self.found):
            _keys(each, frozenset({"at", "percentage"}), place, self.found)
            moment = engine.moment(each["at"]) if isinstance(each.get("at"), str) else None
            share = _percentage(each.get("percentage"), f"{place}/percentage", self.found)
            if moment is None or moment <= last_at:
                self.found.add(f"{place}/at", "Give a time with its zone, after the one before.")
            if share is not None and share <= last:
                self.found.add(f"{place}/percentage", "Give more than the stage before.")
            last_at, last = moment or last_at, share or last


def _percentage(given: Any, at: str, found: Found) -> Decimal | None:
    """Return 0 to 100 with up to three decimals; text, as Unleash writes it, or a number."""
    number = _as_decimal(given)
    if number is None or not 0 <= number <= 100:
        found.add(at, "Give a percentage of 0 to 100.")
        return None
    if number != round(number, 3):
        found.add(at, "A percentage has up to three decimals.")
    return number


def _as_decimal(given: Any) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, str | int | float) or len(str(given)) > 32:
        return None
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    return number if number.is_finite() and engine.number(str(given)) is not None else None


# -- Constraints -----------------------------------------------------------------------------------
_CONSTRAINT = frozenset(
    {"contextName", "operator", "values", "value", "inverted", "caseInsensitive"}
)


def _constraints(given: Any, pointer: str, found: Found) -> None:
    for at, each in _objects(given, pointer, found):
        before = len(found.problems)
        _keys(each, _CONSTRAINT, at, found)
        _text(each.get("contextName"), f"{at}/contextName", found)
        _texts(each.get("values", []), f"{at}/values", found)
        for name in ("inverted", "caseInsensitive"):
            if not isinstance(each.get(name, False), bool):
                found.add(f"{at}/{name}", "Give true or false.")
        if not isinstance(each.get("value", ""), str):
            found.add(f"{at}/value", "Give some text.")
        if len(found.problems) == before:
            _meaning(each, at, found)


def _meaning(given: Mapping[str, Any], at: str, found: Found) -> None:
    rule = unleash.constraint(given)
    told = engine.error(rule)
    if told is not None:
        known = rule.operator in engine.OPERATORS
        lists = known and rule.operator in engine.LISTED
        found.add(f"{at}/{'operator' if not known else 'values' if lists else 'value'}", told)
    elif rule.operator == "IN_CIDR":
        for index, value in enumerate(rule.values):
            if not engine.is_network(value):
                found.add(f"{at}/values/{index}", "This is no address and no network.")


# -- Variants --------------------------------------------------------------------------------------
_VARIANT = frozenset({"name", "weight", "weightType", "stickiness", "payload"})
_FLAG_VARIANT = _VARIANT | {"overrides"}


def _variants(given: Any, pointer: str, found: Found, *, keys: frozenset[str]) -> None:
    names: set[str] = set()
    for at, each in _objects(given, pointer, found):
        _keys(each, keys, at, found)
        _text(each.get("name"), f"{at}/name", found)
        if str(each.get("name")) in names:
            found.add(f"{at}/name", "Another variant has this name.")
        names.add(str(each.get("name")))
        _share(each, at, found)
        if each.get("payload") is not None:
            _payload(each["payload"], f"{at}/payload", found)
        for place, override in _objects(each.get("overrides", []), f"{at}/overrides", found):
            _text(override.get("contextName"), f"{place}/contextName", found)
            _texts(override.get("values"), f"{place}/values", found)


def _share(given: Mapping[str, Any], at: str, found: Found) -> None:
    weight = given.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 < weight <= MOST_WEIGHT:
        found.add(f"{at}/weight", f"Give a whole number of 1 to {MOST_WEIGHT}.")
    if given.get("weightType", "variable") not in ("variable", "fix"):
        found.add(f"{at}/weightType", "Give variable or fix.")
    _text(given.get("stickiness", "default"), f"{at}/stickiness", found)


def _payload(given: Any, at: str, found: Found) -> None:
    if not isinstance(given, Mapping):
        found.add(at, "Give an object of type and value.")
        return
    _keys(given, frozenset({"type", "value"}), at, found)
    kind, value = given.get("type"), given.get("value")
    if kind not in PAYLOADS:
        found.add(f"{at}/type", f"Give one of {', '.join(PAYLOADS)}.")
    elif not isinstance(value, str):
        found.add(f"{at}/value", "Give text, whatever its type.")
    elif not _FITS.get(str(kind), bool)(value) and kind != "string":
        found.add(f"{at}/value", f"This is not {kind}.")


def _is_json(value: str) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


_FITS: dict[str, Callable[[str], bool]] = {
    "json": _is_json,
    "number": lambda value: engine.number(value) is not None,
    "csv": lambda value: "\n" not in value and "\r" not in value,
}


# -- Shapes ----------------------------------------------------------------------------------------
def _objects(given: Any, pointer: str, found: Found) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(given, list):
        found.add(pointer, "Give a list.")
        return
    if len(given) > MOST:
        found.add(pointer, f"Give up to {MOST}.", "too_long")
        return
    for index, each in enumerate(given):
        if isinstance(each, Mapping):
            yield f"{pointer}/{index}", each
        else:
            found.add(f"{pointer}/{index}", "Give an object.")


def _keys(given: Mapping[str, Any], known: frozenset[str], at: str, found: Found) -> None:
    for name in given.keys() - known:
        found.add(f"{at}/{escaped(str(name))}", "This field is not known here.", "unknown_field")


def _text(given: Any, at: str, found: Found) -> None:
    if not isinstance(given, str) or not given or len(given) > 255:
        found.add(at, "Give some text, up to 255 characters.")


def _texts(given: Any, at: str, found: Found) -> None:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        found.add(at, "Give a list of text.")
    elif len(given) > MOST_VALUES:
        found.add(at, f"Give up to {MOST_VALUES}.", "too_long")
