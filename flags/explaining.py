"""Why a flag answers as it does: each step in its order, for people who have to tell somebody."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flags.documents import Snapshot
from flags.engine import Context, buckets
from flags.engine.compiling import SPLITTING, compile_flag, now_of
from flags.engine.constraints import compile_constraint, error
from flags.engine.context import ASSIGNED
from flags.engine.rules import DEFAULT, Constraint, Flag, Segments, Strategy, Targets
from flags.engine.strategies import compile_strategy, key_of
from flags.engine.targets import EMAIL, compile_targets, groups, persons
from flags.engine.unleash import segments


@dataclass(frozen=True, slots=True)
class Step:
    step: str
    holds: bool
    detail: str = ""


def explain(found: Snapshot, name: str, context: Context) -> dict[str, Any]:
    """Return the answer and its steps. Addresses of people are masked in it."""
    answer = found.rules.answer(name, context)
    flag = found.rules.flag(name)
    known = segments(found.document.get("segments"))
    steps = list(_steps(flag, known, found, context)) if flag else []
    return {
        "flag": name,
        "enabled": answer.enabled,
        "variant": answer.variant,
        "reason": answer.reason.value,
        "version": found.version,
        "steps": [
            {"step": each.step, "holds": each.holds, "detail": each.detail} for each in steps
        ],
    }


def masked(value: str) -> str:
    """Return enough of an address to know it again: `u…@example.com`."""
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else value


def _steps(flag: Flag, known: Segments, found: Snapshot, context: Context) -> Iterator[Step]:
    yield Step("switched on", flag.enabled, "" if flag.enabled else "disabled, or killed")
    yield from _schedule(flag, context)
    for dependency in flag.dependencies:
        other = found.rules.answer(dependency.flag, context)
        told = f"{other.reason.value}, variant {other.variant or 'none'}"
        yield Step(f"prerequisite {dependency.flag}", other.enabled is dependency.enabled, told)
    for label, part in (("person", persons), ("group", groups)):
        yield Step(f"{label} is not denied", not _named(part(flag.denied), context))
        yield Step(f"{label} is allowed by name", _named(part(flag.allowed), context))
    if flag.is_kept and (kept := context.get(ASSIGNED + flag.name)) is not None:
        told = f"{'on' if kept[:1] == '1' else 'off'}, from before they signed in"
        yield Step("has kept an answer", True, told)
    for number, strategy in enumerate(flag.strategies, 1):
        yield from _strategy(f"strategy {number}", strategy, flag, known, context)


def _named(targets: Targets, context: Context) -> bool:
    return compile_targets(targets)(context)


def _schedule(flag: Flag, context: Context) -> Iterator[Step]:
    now = now_of(context)
    if flag.starts_at is not None:
        yield Step("has begun", now >= flag.starts_at)
    if flag.ends_at is not None:
        yield Step("has not ended", now < flag.ends_at)


def _strategy(
    at: str, strategy: Strategy, flag: Flag, known: Segments, context: Context
) -> Iterator[Step]:
    rules = list(strategy.constraints)
    for number in strategy.segments:
        if number not in known:
            yield Step(f"{at}, segment {number}", False, "there is no such segment")
        rules += known.get(number, ())
    for rule in rules:
        yield _constraint(at, rule, context)
    holds = compile_strategy(strategy.name, strategy.parameters, flag=flag.name)(context)
    yield Step(f"{at}, {strategy.name}", holds, _share(strategy, flag, context))
    whole = compile_flag(Flag(flag.name, True, strategies=(strategy,)), segments=known, others={})
    yield Step(f"{at} in all", whole.is_on(context))


def _constraint(at: str, rule: Constraint, context: Context) -> Step:
    value = context.get(rule.field)
    told = error(rule)
    if told is None:
        shown = masked(value) if value is not None and rule.field == EMAIL else value
        told = f"the context has no {rule.field}" if value is None else f"{rule.field} is {shown}"
    sign = "not " if rule.inverted else ""
    return Step(
        f"{at}, {rule.field} {sign}{rule.operator}", compile_constraint(rule)(context), told
    )


def _share(strategy: Strategy, flag: Flag, context: Context) -> str:
    if strategy.name not in SPLITTING:
        return ""
    stickiness = strategy.parameters.get("stickiness", DEFAULT)
    if strategy.name != "flexibleRollout":
        stickiness = "userId" if "User" in strategy.name else "sessionId"
    group = strategy.parameters.get("groupId", flag.name)
    key = key_of(stickiness)(context)
    if key is None:
        return f"the context lacks what {stickiness} goes by"
    share = strategy.parameters.get("rollout", strategy.parameters.get("percentage", ""))
    return f"place {buckets.place(group, key) / 1000:.3f}, on below {share}"
