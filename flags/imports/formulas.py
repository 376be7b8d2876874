"""Conditions of other systems, brought into the one shape that strategies have.

A formula is a list of ways: it holds where all terms of any of them do. An inverted constraint is
the exact opposite of the plain one, also where the field is missing, so formulas can be negated.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

from flags.engine import constraints as engine
from flags.engine.rules import Constraint
from flags.validation import MOST


class CantSayError(Exception):
    """What has no counterpart here, in words."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One constraint."""

    field: str
    operator: str
    values: tuple[str, ...] = ()
    value: str = ""
    ignores_case: bool = False
    inverted: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as strategies spell it."""
        found: dict[str, Any] = {"contextName": self.field, "operator": self.operator}
        found |= {"values": list(self.values)} if self.values else {"value": self.value}
        found |= {"caseInsensitive": True} if self.ignores_case else {}
        return found | ({"inverted": True} if self.inverted else {})


@dataclass(frozen=True, slots=True)
class Share:
    """A percentage of the subjects."""

    percent: float
    by: str
    """The field that is counted."""
    group: str


Term = Comparison | Share
Way = tuple[Term, ...]
"""All of these."""
Formula = tuple[Way, ...]
"""Any of these."""

MOST_WAYS = 5_000
"""Before what is said twice is dropped: nobody shall wait for a file that was made to take long."""
NEVER: Formula = ()
ALWAYS: Formula = ((),)


def compare(field: str, operator: str, *values: str, value: str = "", **more: Any) -> Formula:
    """Return one constraint as a formula. Raises CantSayError for one that can't be read."""
    made = Comparison(field, operator, values, value, **more)
    wrong = engine.error(Constraint(field, operator, values, value, False, made.ignores_case))
    if wrong:
        raise CantSayError(f"{field} {operator} {value or ', '.join(values)}: {wrong.lower()[:-1]}")
    return ((made,),)


def is_set(field: str) -> Formula:
    return compare(field, "REGEX", value=".*")


def any_of(formulas: Iterable[Formula]) -> Formula:
    return _short(way for formula in formulas for way in formula)


def all_of(formulas: Iterable[Formula]) -> Formula:
    found = ALWAYS
    for formula in formulas:
        pairs = product(found, formula)
        found = _short(way for each in pairs if (way := _together(*each)) is not None)
    return found


def negated(formula: Formula) -> Formula:
    return all_of(any_of(_opposite(term) for term in way) for way in formula)


def _opposite(term: Term) -> Formula:
    if isinstance(term, Share):
        raise CantSayError("it asks for whoever is not in a percentage")
    return ((replace(term, inverted=not term.inverted),),)


def _together(first: Way, second: Way) -> Way | None:
    """Join two ways, less what goes without saying. None: nobody satisfies both."""
    way = dict.fromkeys([*first, *second])
    asked = [each for each in way if isinstance(each, Comparison)]
    if any(replace(each, inverted=not each.inverted) in way for each in asked):
        return None
    satisfied = {each.field for each in asked if not each.inverted and not _is_presence(each)}
    missing = {each.field for each in asked if each.inverted and _is_presence(each)}
    if satisfied & missing:
        return None
    return tuple(each for each in way if not _is_implied(each, satisfied, missing))


def _is_presence(term: Comparison) -> bool:
    return (term.operator, term.value) == ("REGEX", ".*")


def _is_implied(term: Term, satisfied: set[str], missing: set[str]) -> bool:
    """Tell whether a field that is compared is asked to be there, or one that is missing to
    differ."""
    if isinstance(term, Share):
        return False
    if _is_presence(term):
        return not term.inverted and term.field in satisfied
    return term.inverted and term.field in missing


def _short(ways: Iterable[Way]) -> Formula:
    """Drop what is said twice, and what asks for more than another way does.

    Raises CantSayError for more than a flag may have.
    """
    taken = list(islice(ways, MOST_WAYS + 1))
    distinct = {frozenset(way): way for way in taken}
    found: list[frozenset[Term]] = []
    for way in sorted(distinct, key=len):
        if not any(each <= way for each in found):
            found.append(way)
    if len(found) > MOST or len(taken) > MOST_WAYS:
        raise CantSayError(f"it comes to more than {MOST} strategies")
    return tuple(distinct[each] for each in found)
