"""Subjects by name: the lists of those who get a flag in any case, and of those who never do."""

from flags.engine.constraints import everybody, nobody
from flags.engine.context import Check
from flags.engine.rules import Targets

EMAIL = "email"
PERSONAL = {"userId", "sessionId", EMAIL}
"""Fields that name one person."""


def persons(targets: Targets) -> Targets:
    return Targets({name: v for name, v in targets.values.items() if name in PERSONAL})


def groups(targets: Targets) -> Targets:
    others = {name: v for name, v in targets.values.items() if name not in PERSONAL}
    return Targets(others, targets.domains)


def compile_targets(targets: Targets) -> Check:
    checks = [_among(field, values) for field, values in targets.values.items() if values]
    if targets.domains:
        checks.append(_of_domains(targets.domains))
    return any_of(checks)


def any_of(checks: list[Check]) -> Check:
    if not checks:
        return nobody
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda context: first(context) or second(context)
    if len(checks) == 3:
        first, second, third = checks
        return lambda context: first(context) or second(context) or third(context)
    return lambda context: any(check(context) for check in checks)


def all_of(checks: list[Check]) -> Check:
    if not checks:
        return everybody
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda context: first(context) and second(context)
    return lambda context: all(check(context) for check in checks)


def _among(field: str, values: frozenset[str]) -> Check:
    if field == EMAIL:
        lowered = frozenset(value.lower() for value in values)
        return lambda context: context.get(EMAIL, "").lower() in lowered
    return lambda context: context.get(field) in values


def _of_domains(domains: frozenset[str]) -> Check:
    return lambda context: context.get(EMAIL, "").rpartition("@")[2].lower() in domains
