"""What a flag answers in one environment.

Whoever takes rules in hand first makes lasting what was planned for until then, so that each change
builds on what is answered at that moment.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core.api.serializers import rfc3339
from core.errors import ConflictError, FieldProblem, InvalidError
from core.events import publish
from flags import validation
from flags.engine.constraints import moment
from flags.events import FlagChanged, FlagKilled, FlagUnkilled
from flags.models import Environment, FlagRules, PlannedChange, Segment
from flags.plans import applying
from flags.services import changes, definitions
from flags.services.changes import Author

FIELDS = (
    "enabled", "strategies", "variants", "denied", "allowed", "starts_at", "ends_at",
)  # fmt: skip
ROLLOUT = "flexibleRollout"


@transaction.atomic
def change(
    *,
    name: str,
    author: Author,
    now: datetime,
    environment: str | None = None,
    expected_version: int | None = None,
    action: str = "rules_changed",
    **fields: Any,
) -> FlagRules:
    """Change rules; fields that are left out stay, and what changes nothing leaves no trace.

    Raises NotFoundError, ConflictError for an archived flag, VersionError, InvalidError, and
    ApprovalNeededError where changes take two people.
    """
    where, rules = locked(name, environment, now=now)
    changes.require_version(rules, expected_version)
    judge(fields, rules)
    changes.require_one_is_enough(where)
    return _write(where, rules, fields, author=author, now=now, action=action)


@transaction.atomic
def switch(
    *, name: str, enabled: bool, author: Author, now: datetime, environment: str | None = None
) -> FlagRules:
    """Switch a flag on or off. A kill stays, and wins."""
    where, rules = locked(name, environment, now=now)
    changes.require_one_is_enough(where)
    action = "enabled" if enabled else "disabled"
    return _write(where, rules, {"enabled": enabled}, author=author, now=now, action=action)


@transaction.atomic
def kill(*, name: str, author: Author, now: datetime, environment: str | None = None) -> FlagRules:
    """Switch a flag off at once. Everything else waits as it is. Twice does no harm."""
    where, rules = locked(name, environment, now=now)
    if rules.is_killed:
        return rules
    return _mark(where, rules, ("killed", FlagKilled), author=author, now=now, killed_at=now)


@transaction.atomic
def unkill(
    *, name: str, author: Author, now: datetime, environment: str | None = None
) -> FlagRules:
    """Bring back exactly what was killed. A rollout in stages goes on from where it stopped: what
    was still to come comes later by as long as the flag was off.
    """
    where, rules = locked(name, environment, now=now)
    if rules.killed_at is None:
        return rules
    waiting = _later(rules.strategies, since=rules.killed_at, now=now)
    return _mark(
        where, rules, ("unkilled", FlagUnkilled), author=author, now=now,
        killed_at=None, strategies=waiting,
    )  # fmt: skip


def _mark(
    where: Environment,
    rules: FlagRules,
    what: tuple[str, type[FlagKilled] | type[FlagUnkilled]],
    *,
    author: Author,
    now: datetime,
    **fields: Any,
) -> FlagRules:
    action, event = what
    before = state(rules)
    FlagRules.objects.change(rules, version=rules.version + 1, **fields)
    changes.record(
        rules.flag, action, author=author, now=now, environment=where.name,
        states=(before, state(rules)),
    )  # fmt: skip
    publish(event(rules.flag_id, rules.flag.name, where.name, author.id))
    changes.close([where])
    return rules


@transaction.atomic
def roll_out(
    *,
    name: str,
    percentage: str,
    author: Author,
    now: datetime,
    environment: str | None = None,
) -> FlagRules:
    """Set the share of the flag's one percentage; a flag without any gets one.

    Raises ConflictError where several percentages leave open which is meant.
    """
    where, rules = locked(name, environment, now=now)
    changes.require_one_is_enough(where)
    found = [each for each in rules.strategies if each.get("name") == ROLLOUT]
    if len(found) > 1:
        raise ConflictError("This flag has several percentages. Change its rules instead.")
    parameters = {"stickiness": "default", "groupId": name}
    shared = {"parameters": {**parameters, **_parameters(found), "rollout": percentage}}
    kept = {key: v for each in found for key, v in each.items() if key != "stages"}
    rolled = {"name": ROLLOUT, **kept, **shared}
    fields = {"strategies": [rolled if each in found else each for each in rules.strategies]}
    if not found:
        fields["strategies"].append(rolled)
    judge(fields, rules)
    return _write(where, rules, fields, author=author, now=now, action="rolled_out")


@transaction.atomic
def reshuffle(
    *, name: str, author: Author, now: datetime, environment: str | None = None
) -> FlagRules:
    """Deal everybody anew: whoever has the flag by its percentages may lose it, others get it.

    Nothing else does that. Raises ConflictError for a flag without a percentage.
    """
    where, rules = locked(name, environment, now=now)
    changes.require_one_is_enough(where)
    group = f"{name}-{secrets.token_hex(4)}"
    dealt = [_with_group(each, group) for each in rules.strategies]
    if dealt == rules.strategies:
        raise ConflictError("This flag has no percentage to deal anew.")
    fields = {"strategies": dealt}
    return _write(where, rules, fields, author=author, now=now, action="reshuffled")


def _with_group(strategy: Any, group: str) -> Any:
    if strategy.get("name") != ROLLOUT:
        return strategy
    return {**strategy, "parameters": {**strategy.get("parameters", {}), "groupId": group}}


def state(rules: FlagRules) -> Mapping[str, Any]:
    """Return what the history keeps of rules, enough to have them again."""
    found = {name: getattr(rules, name) for name in FIELDS}
    moments = {name: rfc3339(found[name]) for name in ("starts_at", "ends_at")}
    return {**found, **moments, "killed_at": rfc3339(rules.killed_at)}


def locked(name: str, environment: str | None, *, now: datetime) -> tuple[Environment, FlagRules]:
    """Return an environment and the rules there, to change them: as they hold now."""
    where = changes.environment(environment)
    flag = definitions.locked(name)
    rules = FlagRules.objects.of(flag.pk).within(where.pk).locked().get()
    rules.flag, rules.environment = flag, where
    settle(where, rules, now=now)
    return where, rules


def settle(where: Environment, rules: FlagRules, *, now: datetime) -> None:
    """Make lasting what was planned for until now. Call with the rules locked."""
    mine = PlannedChange.objects.of_rules(rules.flag_id, rules.environment_id)
    for plan in mine.due(now).in_turn().locked():
        apply(where, rules, plan, now=now, since=plan.due_at)


def apply(
    where: Environment,
    rules: FlagRules,
    plan: PlannedChange,
    *,
    now: datetime,
    since: datetime | None = None,
) -> None:
    """Make a planned change lasting, or a conflict where its rules are no longer those.

    `since` is when it took effect, if that was not now.
    """
    plan.flag, plan.environment = rules.flag, where
    if plan.base_version != rules.version:
        applying.refuse(plan, applying.CHANGED_MEANWHILE, now=now)
        return
    fields = plan.fields()
    try:
        judge(fields, rules)
    except InvalidError as error:
        applying.refuse(plan, error.problems[0].detail, now=now)
        return
    author = applying.author_of(plan)
    _write(where, rules, fields, author=author, now=since or now, action="rules_changed")
    applying.finish(plan, version=rules.version, now=now)


def _write(
    where: Environment,
    rules: FlagRules,
    fields: Mapping[str, Any],
    *,
    author: Author,
    now: datetime,
    action: str,
) -> FlagRules:
    changed = tuple(sorted(name for name, v in fields.items() if getattr(rules, name) != v))
    if not changed:
        return rules
    before = state(rules)
    FlagRules.objects.change(rules, version=rules.version + 1, **fields)
    changes.record(
        rules.flag, action, author=author, now=now, environment=where.name,
        states=(before, state(rules)),
    )  # fmt: skip
    publish(FlagChanged(rules.flag_id, rules.flag.name, where.name, changed, author.id))
    changes.close([where])
    return rules


def judge(fields: Mapping[str, Any], rules: FlagRules) -> None:
    """Raises InvalidError."""
    if "strategies" in fields:
        validation.strategies(fields["strategies"], segments=Segment.objects.known_ids())
    if "variants" in fields:
        validation.variants(fields["variants"])
    for name in ("denied", "allowed"):
        if name in fields:
            validation.targets(fields[name], pointer=f"/{name}")
    starts_at = fields.get("starts_at", rules.starts_at)
    ends_at = fields.get("ends_at", rules.ends_at)
    if starts_at and ends_at and ends_at <= starts_at:
        raise InvalidError(FieldProblem("/ends_at", "invalid", "The end comes after the start."))


def _parameters(found: list[Any]) -> Any:
    return found[0].get("parameters", {}) if found else {}


def _later(strategies: list[Any], *, since: datetime, now: datetime) -> list[Any]:
    """Return strategies whose stages after `since` come later by the time until `now`."""
    return [
        {**each, "stages": [_stage_later(stage, since, now) for stage in each["stages"]]}
        if each.get("stages")
        else each
        for each in strategies
    ]


def _stage_later(stage: Any, since: datetime, now: datetime) -> Any:
    at = moment(stage["at"])
    if at is None or at <= since.timestamp():
        return stage
    shifted = datetime.fromtimestamp(at, tz=now.tzinfo) + (now - since)
    return {**stage, "at": rfc3339(shifted)}
