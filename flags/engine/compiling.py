"""From a flag's rules to two functions: whether it is on, and the whole answer with its reason.

The order: switched off, outside its time, a prerequisite, the persons denied and allowed, the
groups denied and allowed, the strategies. What is said of a person wins over what is said of a
group.
Any strategy that holds turns the flag on; within one, every constraint has to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flags.engine.answers import Answer, Reason
from flags.engine.constraints import CURRENT_TIME, compile_constraint, everybody, moment, nobody
from flags.engine.context import ASSIGNED, Check, Context
from flags.engine.prerequisites import Others, prerequisite
from flags.engine.rules import DEFAULT, Flag, Segments, Strategy, Variant
from flags.engine.strategies import compile_strategy, key_of
from flags.engine.targets import all_of, any_of, compile_targets, groups, persons
from flags.engine.variants import Pick, compile_variants

SPLITTING = {"flexibleRollout", "gradualRolloutUserId", "gradualRolloutSessionId"}


@dataclass(frozen=True, slots=True)
class Compiled:
    """Both functions agree; the first is for the question that is asked most."""

    flag: Flag
    is_on: Check
    answer: Callable[[Context], Answer]


@dataclass(frozen=True, slots=True)
class Way:
    """One strategy, compiled."""

    holds: Check
    pick: Pick
    reason: Reason
    lacks_key: Check
    """Whether it goes by a field that the context lacks."""


@dataclass(frozen=True, slots=True)
class Named:
    """Who is named in the lists of a flag."""

    denied: Check
    allowed: Check


@dataclass(frozen=True, slots=True)
class Parts:
    """A flag, compiled piece by piece."""

    flag: Flag
    prerequisites: list[tuple[str, Check]]
    """Name and whether it fails."""
    persons: "Named"
    groups: "Named"
    """Organizations, roles, domains and whatever else is no single person."""
    ways: list[Way]
    pick: Pick
    """Of the flag's own variants, for strategies without any."""


def compile_flag(flag: Flag, *, segments: Segments, others: Others) -> Compiled:
    stickiness = flag.variants[0].stickiness if flag.variants else DEFAULT
    parts = Parts(
        flag=flag,
        prerequisites=[prerequisite(dependency, others) for dependency in flag.dependencies],
        persons=Named(*(compile_targets(persons(each)) for each in (flag.denied, flag.allowed))),
        groups=Named(*(compile_targets(groups(each)) for each in (flag.denied, flag.allowed))),
        ways=[_way(strategy, flag, segments) for strategy in flag.strategies],
        pick=compile_variants(flag.variants, group=flag.name, stickiness=stickiness),
    )
    return Compiled(flag, _is_on(parts), _answer(parts))


# -- Whether it is on ------------------------------------------------------------------------------
def _is_on(parts: Parts) -> Check:
    if not parts.flag.enabled:
        return nobody
    on = _is_wanted(parts)
    out = [fails for _, fails in parts.prerequisites]
    if (is_untimely := _is_untimely(parts.flag)) is not nobody:
        out.insert(0, is_untimely)
    if not out:
        return on
    is_out = any_of(out)
    return lambda context: not is_out(context) and on(context)


def _is_wanted(parts: Parts) -> Check:
    ways = _kept_or([way.holds for way in parts.ways], parts) if parts.ways else [everybody]
    if parts.groups.denied is nobody:  # one step where two would do the same
        on = _or([parts.persons.allowed, parts.groups.allowed, *ways])
    else:
        here = _unless(parts.groups.denied, _or([parts.groups.allowed, *ways]))
        on = _or([parts.persons.allowed, here])
    return _unless(parts.persons.denied, on)


def _kept_or(checks: list[Check], parts: Parts) -> list[Check]:
    """Let what was assigned decide, where that is wanted."""
    if not _is_kept(parts):
        return checks
    field, any_holds = ASSIGNED + parts.flag.name, any_of(checks)

    def holds(context: Context) -> bool:
        kept = context.get(field)
        return any_holds(context) if kept is None else kept[:1] == "1"

    return [holds]


def _is_kept(parts: Parts) -> bool:
    """Tell whether an assignment counts: a flag that is on for everybody is so for them too."""
    reasons = {way.reason for way in parts.ways}
    return parts.flag.is_kept and Reason.SPLIT in reasons and Reason.STATIC not in reasons


def _or(checks: list[Check]) -> Check:
    return (
        everybody
        if everybody in checks
        else any_of([each for each in checks if each is not nobody])
    )


def _unless(denied: Check, on: Check) -> Check:
    if denied is nobody:
        return on
    return lambda context: not denied(context) and on(context)


def _is_untimely(flag: Flag) -> Check:
    starts, ends = flag.starts_at, flag.ends_at
    if starts is None and ends is None:
        return nobody

    def is_untimely(context: Context) -> bool:
        now = now_of(context)
        return (starts is not None and now < starts) or (ends is not None and now >= ends)

    return is_untimely


def now_of(context: Context) -> float:
    """Return the context's current time, or the clock's where it has none that can be read."""
    told = context.get(CURRENT_TIME)
    read = moment(told) if told else None
    return read if read is not None else datetime.now(UTC).timestamp()


# -- The whole answer ------------------------------------------------------------------------------
def _answer(parts: Parts) -> Callable[[Context], Answer]:
    out, way_in = _out(parts), _way_in(parts)
    made: dict[tuple[Reason, int], Answer] = {}
    """By the variant itself: two of one name may carry different payloads."""
    has_variants = bool(_variants(parts.flag))

    def answer(context: Context) -> Answer:
        for is_out, says in out:
            if is_out(context):
                return says
        reason, pick = way_in(context)
        if pick is None:
            return _MISSES[reason]
        variant = (pick(context) or parts.pick(context)) if has_variants else None
        key = (reason, id(variant))
        if key not in made:
            made[key] = _on(reason, variant)
        return made[key]

    return answer


def _on(reason: Reason, variant: Variant | None) -> Answer:
    if variant is None:
        return Answer(True, reason)
    return Answer(True, reason, variant.name, variant.payload)


def _out(parts: Parts) -> list[tuple[Check, Answer]]:
    """Return what keeps the flag off whoever asks, in order."""
    checks = [(_is_untimely(parts.flag), DISABLED)]
    checks += [
        (fails, Answer(False, Reason.PREREQUISITE_FAILED, detail=name))
        for name, fails in parts.prerequisites
    ]
    if not parts.flag.enabled:
        checks.insert(0, (everybody, DISABLED))
    return [(check, says) for check, says in checks if check is not nobody]


WayIn = tuple[Reason, Pick | None]
"""Why, and how a variant is found; None in its place: the flag is off."""


def _way_in(parts: Parts) -> Callable[[Context], WayIn]:
    found: list[tuple[Check, WayIn]] = []
    for named in (parts.persons, parts.groups):
        found.append((named.denied, (Reason.DENIED, None)))
        found.append((named.allowed, (Reason.TARGETING_MATCH, parts.pick)))
    steps = [step for step in found if step[0] is not nobody]
    ways = parts.ways
    always: WayIn = (Reason.STATIC, parts.pick)
    field = ASSIGNED + parts.flag.name if _is_kept(parts) else None

    def way_in(context: Context) -> WayIn:
        for holds, says in steps:
            if holds(context):
                return says
        if field is not None and field in context:
            return _kept_in(parts, context)
        return _strategy_in(ways, context) if ways else always

    return way_in


def _kept_in(parts: Parts, context: Context) -> WayIn:
    """Return what was assigned; instead of a variant that is gone, what the strategies give."""
    kept = context[ASSIGNED + parts.flag.name]
    if kept[:1] != "1":
        return Reason.SPLIT, None
    variant = next((each for each in _variants(parts.flag) if each.name == kept[1:]), None)
    if variant is not None:
        return Reason.SPLIT, lambda context: variant
    _, pick = _strategy_in(parts.ways, context)
    return Reason.SPLIT, pick or parts.pick


def _variants(flag: Flag) -> list[Variant]:
    return [*flag.variants, *(each for way in flag.strategies for each in way.variants)]


def _strategy_in(ways: list[Way], context: Context) -> WayIn:
    missed = Reason.DEFAULT
    for way in ways:
        if way.holds(context):
            return way.reason, way.pick
        if way.reason is Reason.SPLIT:
            missed = Reason.TARGETING_KEY_MISSING if way.lacks_key(context) else Reason.SPLIT
    return missed, None


DISABLED = Answer(False, Reason.DISABLED)
_MISSES = {
    reason: Answer(False, reason)
    for reason in (Reason.DENIED, Reason.DEFAULT, Reason.SPLIT, Reason.TARGETING_KEY_MISSING)
}


# -- Strategies ------------------------------------------------------------------------------------
def _way(strategy: Strategy, flag: Flag, segments: Segments) -> Way:
    stickiness = strategy.parameters.get("stickiness", DEFAULT)
    key = key_of(stickiness)
    holds = _holds(strategy, flag, segments)
    return Way(
        holds=holds,
        pick=compile_variants(
            strategy.variants,
            group=strategy.parameters.get("groupId", flag.name),
            stickiness=stickiness,
        ),
        reason=_reason(strategy, holds),
        lacks_key=lambda context: key(context) is None,
    )


def _holds(strategy: Strategy, flag: Flag, segments: Segments) -> Check:
    if any(segment not in segments for segment in strategy.segments):
        return nobody
    rules = [*strategy.constraints]
    for segment in strategy.segments:
        rules += segments[segment]
    checks = [compile_constraint(rule) for rule in rules]
    checks.append(compile_strategy(strategy.name, strategy.parameters, flag=flag.name))
    if nobody in checks:
        return nobody
    return all_of([check for check in checks if check is not everybody])


def _reason(strategy: Strategy, holds: Check) -> Reason:
    if strategy.name in SPLITTING and holds is not everybody:
        return Reason.SPLIT
    return Reason.STATIC if holds is everybody else Reason.TARGETING_MATCH
