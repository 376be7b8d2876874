"""What a flag's rules deal people to by chance, and who is dealt: nobody else is compared.

Somebody who gets a variant by name, or the flag from a list, was not dealt; nor was somebody whom
the flag's constraints leave out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flags.engine.answers import Answer, Reason
from flags.engine.compiling import compile_flag
from flags.engine.constraints import everybody, nobody
from flags.engine.context import Check, Context
from flags.engine.rules import DEFAULT, RANDOM, Flag, Segments, Strategy, Variant
from flags.engine.strategies import percentage

ON, OFF = "on", "off"
ROLLOUT = "flexibleRollout"


class NothingComparedError(Exception):
    """The rules deal nobody by chance; the text tells people why."""


@dataclass(frozen=True, slots=True)
class Arms:
    """What is compared, as the rules stand."""

    unit: str
    """What a subject is: the stickiness of the rules, such as `default` or `organization`."""
    weights: dict[str, float]
    by_variant: bool
    """False: between who has the flag and who has not, by its percentage."""


def compared(flag: Flag) -> Arms:
    """Raises NothingComparedError."""
    arms = _by_variant(flag) or _by_percentage(flag)
    if arms.unit == RANDOM:
        raise NothingComparedError("The flag deals anew with each question: nobody keeps an arm.")
    return arms


def _by_variant(flag: Flag) -> Arms | None:
    dealt = [_variants(each, flag) for each in flag.strategies] or [_own_variants(flag)]
    if not any(variants for _, variants in dealt):
        return None
    if len({str(each) for each in dealt}) > 1:
        raise NothingComparedError("The flag's strategies deal different variants.")
    unit, variants = dealt[0]
    weights = {each.name: float(each.weight) for each in variants if each.weight > 0}
    if len(weights) < 2:
        raise NothingComparedError("The flag has only one variant that anybody gets.")
    return Arms(unit, weights, by_variant=True)


def _variants(strategy: Strategy, flag: Flag) -> tuple[str, tuple[Variant, ...]]:
    """Return what a strategy's variants go by, and the variants; the flag's, where it has none."""
    if not strategy.variants:
        return _own_variants(flag)
    return strategy.parameters.get("stickiness", DEFAULT), strategy.variants


def _own_variants(flag: Flag) -> tuple[str, tuple[Variant, ...]]:
    return flag.variants[0].stickiness if flag.variants else DEFAULT, flag.variants


def _by_percentage(flag: Flag) -> Arms:
    only = flag.strategies[0] if len(flag.strategies) == 1 else None
    if only is None or only.name != ROLLOUT:
        raise NothingComparedError(
            "The flag has neither variants nor one percentage: it deals nobody by chance."
        )
    share = percentage(only.parameters.get("rollout"))
    if share is None or not 0 < share < 100:
        raise NothingComparedError("Compared are those with and without the flag: set a percentage")
    unit = only.parameters.get("stickiness", DEFAULT)
    return Arms(unit, {ON: share, OFF: 100 - share}, by_variant=False)


# -- Who was dealt ---------------------------------------------------------------------------------
Dealt = Callable[[Answer, Context], str | None]
"""Returns the arm of an answer; None where chance did not decide it."""


def dealing(flag: Flag, segments: Segments, *, by_variant: bool) -> Dealt:
    if by_variant:
        return _dealing_variants(flag)
    return _dealing_the_flag(flag, segments)


def _dealing_variants(flag: Flag) -> Dealt:
    named = [each for variant in flag.variants for each in variant.overrides]

    def dealt(answer: Answer, context: Context) -> str | None:
        if not answer.enabled or any(context.get(each.field) in each.values for each in named):
            return None
        return answer.variant

    return dealt


def _dealing_the_flag(flag: Flag, segments: Segments) -> Dealt:
    is_meant = _for_whom(flag, segments)

    def dealt(answer: Answer, context: Context) -> str | None:
        if answer.reason is not Reason.SPLIT or not is_meant(context):
            return None
        return ON if answer.enabled else OFF

    return dealt


def _for_whom(flag: Flag, segments: Segments) -> Check:
    """Return for whom the one percentage is: all else of its strategy has to hold."""
    if len(flag.strategies) != 1:
        return nobody  # the rules are others than when the experiment began
    only = flag.strategies[0]
    if not only.constraints and not only.segments:
        return everybody
    whole: dict[str, Any] = {**only.parameters, "rollout": "100"}
    bare = Flag(flag.name, True, strategies=(replace(only, parameters=whole),))
    return compile_flag(bare, segments=segments, others={}).is_on
