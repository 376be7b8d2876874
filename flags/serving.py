"""What SDKs of Unleash are served: our rules, spelled so that those clients answer as we do.

They know strategies and constraints alone. So the lists of denied and allowed, the schedule, the
stages and what organizations decided become constraints: with PD, PA, GD, GA for the persons and
groups denied and allowed, and S for the strategies, on = not PD and (PA or (not GD and (GA or S))).

Two things can't be said to them. A percentage with decimals holds for the whole percents below it;
and a flag that is off because of its schedule, or because of whom it denies, has no reason there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flags.documents import DOMAINS, ORGANIZATION, Snapshot, decisions, staged
from flags.engine.constraints import CURRENT_TIME
from flags.engine.targets import EMAIL, PERSONAL

Json = dict[str, Any]
ALWAYS: Json = {"name": "default", "parameters": {}, "constraints": []}


def state(found: Snapshot) -> Json:
    """Return what /client/features answers."""
    decided = decisions(found.document)
    flags = found.document.get("flags") or []
    return {
        "version": 2,
        "features": [feature(each, decided[each["name"]]) for each in flags],
        "segments": found.document.get("segments") or [],
    }


def feature(given: Mapping[str, Any], decided: Mapping[bool, list[str]]) -> Json:
    kinds = {"permission", "release", "experiment", "operational", "kill-switch"}
    return {
        "name": given["name"],
        "type": given.get("kind") if given.get("kind") in kinds else "release",
        "description": given.get("description") or "",
        "enabled": given.get("enabled") is True,
        "stale": False,
        "impressionData": given.get("impression_data") is True,
        "project": "default",
        "strategies": strategies(given, decided),
        "variants": given.get("variants") or [],
        "dependencies": given.get("dependencies") or [],
    }


def strategies(given: Mapping[str, Any], decided: Mapping[bool, list[str]]) -> list[Json]:
    """Return strategies of which any turns the flag on."""
    denied = _with(given.get("denied") or {}, decided[False])
    allowed = _with(given.get("allowed") or {}, decided[True])
    never = [_inverted(each) for each in _named(denied, personal=True)]
    not_here = [_inverted(each) for each in _named(denied, personal=False)]
    persons = [_alone(each) for each in _named(allowed, personal=True)]
    groups = [_alone(each) for each in _named(allowed, personal=False)]
    plain = [dict(each) for each in staged(given.get("strategies") or [])]
    time = _schedule(given)
    if not plain:
        if not (never or not_here or time):
            return []  # none: on for everybody
        plain, groups = [ALWAYS], []
    return [
        *(_also(each, [*never, *time]) for each in persons),
        *(_also(each, [*never, *not_here, *time]) for each in [*groups, *plain]),
    ]


def _also(strategy: Json, constraints: Iterable[Json]) -> Json:
    return {**strategy, "constraints": [*(strategy.get("constraints") or []), *constraints]}


def _alone(constraint: Json) -> Json:
    return {**ALWAYS, "constraints": [constraint]}


def _inverted(constraint: Json) -> Json:
    return {**constraint, "inverted": True}


def _with(targets: Mapping[str, Any], organization_ids: list[str]) -> Json:
    ids = [*(targets.get(ORGANIZATION) or []), *organization_ids]
    return {**targets, ORGANIZATION: ids}


def _named(targets: Mapping[str, Any], *, personal: bool) -> list[Json]:
    """Return one constraint for each field that names somebody; any of them holds."""
    found = [
        _one_of(name, list(map(str, values)))
        for name, values in sorted(targets.items())
        if values and name != DOMAINS and (name in PERSONAL) is personal
    ]
    domains = targets.get(DOMAINS) or []
    if domains and not personal:
        ends = [f"@{str(each).lower()}" for each in domains]
        found.append(_constraint(EMAIL, "STR_ENDS_WITH", values=ends, caseInsensitive=True))
    return found


def _one_of(name: str, values: list[str]) -> Json:
    if name != EMAIL:
        return _constraint(name, "IN", values=values)
    # IN minds the case, and addresses don't.
    pattern = "|".join(re.escape(value) for value in values)
    return _constraint(name, "REGEX", value=f"^(?:{pattern})$", caseInsensitive=True)


def _schedule(given: Mapping[str, Any]) -> list[Json]:
    found = []
    if given.get("starts_at"):
        before = _constraint(CURRENT_TIME, "DATE_BEFORE", value=given["starts_at"])
        found.append(_inverted(before))
    if given.get("ends_at"):
        found.append(_constraint(CURRENT_TIME, "DATE_BEFORE", value=given["ends_at"]))
    return found


def _constraint(name: str, operator: str, **more: Any) -> Json:
    return {"contextName": name, "operator": operator, "values": [], "inverted": False, **more}
