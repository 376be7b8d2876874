"""Constraints: one field of the context against one operator, as Unleash names and means them.

A value of the context that is missing, or can't be read as the operator's type, does not satisfy
it; `inverted` turns that around. A rule's own value that can't be read holds for nobody, inverted
or not: a broken rule must not turn anything on. (Regular expressions are the exception, because
Unleash's clients are: one that can't be read matches nothing.)
"""

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import re2

from flags.engine.context import Check, Context
from flags.engine.rules import Constraint
from flags.engine.versions import precedence

Test = Callable[[str], bool]
"""Of the field's value."""
Compare = Callable[[Any, Any], bool]
Read = Callable[[str], Any]
"""Returns None for text of another type."""

CURRENT_TIME = "currentTime"
MOST_REGEX_MEMORY = 1 << 20
"""Bytes that one expression may be compiled to; RE2 runs in linear time whatever it is."""
MOST_LIST_MEMORY = 1 << 26
FEW = 32
"""Texts that are looked for one by one; RE2 is faster with more."""
SHORT = 64
"""Characters of what is remembered as read: many rules ask for the same number or version."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def compile_constraint(rule: Constraint) -> Check:
    """Return the constraint as a function; one that can't be read holds for nobody."""
    test = _test(rule)
    if test is None:
        return nobody
    if rule.operator in _DATES and rule.field == CURRENT_TIME:
        return _of_the_moment(test, inverted=rule.inverted)
    return _of_the_field(rule.field, test, inverted=_is_inverted(rule))


def nobody(context: Context) -> bool:
    return False


def everybody(context: Context) -> bool:
    return True


def error(rule: Constraint) -> str | None:
    """Return what is wrong with a constraint, in words for whoever writes it; None: nothing."""
    if rule.operator not in OPERATORS:
        return f"There is no operator {rule.operator!r}."
    if not rule.field:
        return "A constraint names a field."
    if rule.operator == "REGEX":
        return None if _regex(rule.value, rule.case_insensitive) else "RE2 can't read this."
    if rule.operator in _MEMBERSHIP or rule.operator in _LISTS:
        return None if rule.values else "List some values."
    read = _COMPARISONS[rule.operator][0]
    return None if read(rule.value.strip()) is not None else _UNREADABLE[read]


# -- Shapes ----------------------------------------------------------------------------------------
def _of_the_field(field: str, test: Test, *, inverted: bool) -> Check:
    if inverted:

        def holds_not(context: Context) -> bool:
            value = context.get(field)
            return value is None or not test(value)

        return holds_not

    def holds(context: Context) -> bool:
        value = context.get(field)
        return value is not None and test(value)

    return holds


def _of_the_moment(test: Test, *, inverted: bool) -> Check:
    def holds(context: Context) -> bool:
        value = context.get(CURRENT_TIME) or datetime.now(UTC).isoformat()
        return test(value) is not inverted

    return holds


def _is_inverted(rule: Constraint) -> bool:
    return rule.inverted is not (rule.operator == "NOT_IN")


def _test(rule: Constraint) -> Test | None:
    if rule.operator in _MEMBERSHIP:
        return frozenset(rule.values).__contains__
    if rule.operator in _LISTS:
        return _LISTS[rule.operator](rule) if rule.values else None
    if rule.operator == "REGEX":
        return _matches(rule)
    if rule.operator in _COMPARISONS:
        return _comparison(*_COMPARISONS[rule.operator], rule.value.strip())
    return None


# -- Lists -----------------------------------------------------------------------------------------
def _starts(rule: Constraint) -> Test:
    values = _cased(rule)
    if rule.case_insensitive:
        return lambda value: value.lower().startswith(values)
    return lambda value: value.startswith(values)


def _ends(rule: Constraint) -> Test:
    values = _cased(rule)
    if rule.case_insensitive:
        return lambda value: value.lower().endswith(values)
    return lambda value: value.endswith(values)


def _contains(rule: Constraint) -> Test:
    values = _cased(rule)
    if len(values) > FEW and (expression := _any_of(values)) is not None:
        search = expression.search
        if rule.case_insensitive:
            return lambda value: search(value.lower()) is not None
        return lambda value: search(value) is not None
    if rule.case_insensitive:
        return lambda value: any(map(value.lower().__contains__, values))
    return lambda value: any(map(value.__contains__, values))


def _any_of(values: Iterable[str]) -> Any:
    """Return an expression for any of many texts: it is linear in what is looked through alone."""
    return _expression("|".join(map(re2.escape, values)), memory=MOST_LIST_MEMORY)


def _cased(rule: Constraint) -> tuple[str, ...]:
    return tuple(map(str.lower, rule.values)) if rule.case_insensitive else rule.values


def _in_networks(rule: Constraint) -> Test:
    return in_networks(rule.values)


def in_networks(values: Iterable[str]) -> Test:
    """Return a test for addresses; values that are no address and no network are skipped."""
    beginnings: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for value in values:
        if (network := _network(value)) is not None:
            rest = network.max_prefixlen - network.prefixlen
            beginnings[network.version, rest].add(int(network.network_address) >> rest)
    sizes = list(beginnings.items())  # many networks have few sizes

    def test(value: str) -> bool:
        try:
            address = ip_address(value)
        except ValueError:
            return False
        number, version = int(address), address.version
        return any(version == wanted and number >> rest in known for (wanted, rest), known in sizes)

    return test


def _network(value: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        return None


def is_network(value: str) -> bool:
    """Tell whether text is an address or a network."""
    return _network(value) is not None


_MEMBERSHIP = {"IN", "NOT_IN"}
_LISTS: dict[str, Callable[[Constraint], Test]] = {
    "STR_STARTS_WITH": _starts,
    "STR_ENDS_WITH": _ends,
    "STR_CONTAINS": _contains,
    "IN_CIDR": _in_networks,
}


# -- Regular expressions ---------------------------------------------------------------------------
def _matches(rule: Constraint) -> Test:
    expression = _regex(rule.value, rule.case_insensitive)
    if expression is None:
        return lambda value: False
    search = expression.search
    return lambda value: search(value) is not None


def _regex(text: str, case_insensitive: bool) -> Any:
    return _expression(text, memory=MOST_REGEX_MEMORY, case_sensitive=not case_insensitive)


def _expression(text: str, *, memory: int, case_sensitive: bool = True) -> Any:
    """Return None for what RE2 can't read, or not within so many bytes."""
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.log_errors = False
    options.max_mem = memory
    try:
        return re2.compile(text, options)  # type: ignore[no-untyped-call]
    except (re2.error, UnicodeEncodeError):
        return None


# -- Comparisons -----------------------------------------------------------------------------------
def number(text: str) -> float | None:
    return _number(text) if len(text) <= SHORT else _number.__wrapped__(text)


@lru_cache(maxsize=4096)
def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def moment(text: str) -> float | None:
    """Return seconds since 1970 of RFC 3339 text; one without a zone names no moment."""
    return _moment(text) if len(text) <= SHORT else _moment.__wrapped__(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> float | None:
    if len(text) < len("2026-01-31T09:00Z"):
        return None
    try:
        read = datetime.fromisoformat(text)
        return read.timestamp() if read.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _comparison(read: Read, compare: Compare, text: str) -> Test | None:
    wanted = read(text)
    if wanted is None:
        return None

    def test(value: str) -> bool:
        found = read(value)
        return found is not None and compare(found, wanted)

    return test


_COMPARISONS: dict[str, tuple[Read, Compare]] = {
    "NUM_EQ": (number, operator.eq),
    "NUM_GT": (number, operator.gt),
    "NUM_GTE": (number, operator.ge),
    "NUM_LT": (number, operator.lt),
    "NUM_LTE": (number, operator.le),
    "DATE_AFTER": (moment, operator.gt),
    "DATE_BEFORE": (moment, operator.lt),
    "SEMVER_EQ": (precedence, operator.eq),
    "SEMVER_GT": (precedence, operator.gt),
    "SEMVER_GTE": (precedence, operator.ge),
    "SEMVER_LT": (precedence, operator.lt),
    "SEMVER_LTE": (precedence, operator.le),
}
_DATES = {"DATE_AFTER", "DATE_BEFORE"}
_UNREADABLE: dict[Read, str] = {
    number: "This is not a number.",
    moment: "This is not a time like 2026-01-31T09:00:00Z.",
    precedence: "This is not a version like 1.2.3.",
}
OPERATORS = frozenset({*_MEMBERSHIP, *_LISTS, *_COMPARISONS, "REGEX"})
LISTED = frozenset({*_MEMBERSHIP, *_LISTS})
"""Operators that go by `values`; the others go by `value`."""
