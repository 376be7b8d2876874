"""Flags as lists and pages of text: for the command, and what it shares with the admin."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from core.errors import NotFoundError
from flags import explaining, serving, snapshots
from flags.documents import Snapshot
from flags.engine.context import text
from flags.models import Environment, Flag, FlagRules
from flags.serializers import FlagSerializer, RulesSerializer
from flags.services.rules import ROLLOUT
from flags.staleness import looking


def environment(name: str | None) -> Environment:
    """Raises NotFoundError."""
    found = Environment.objects.by_name(name or settings.FLAGS_ENVIRONMENT)
    if found is None:
        raise NotFoundError("There is no such environment, or no flag yet.")
    return found


def overview(name: str | None) -> list[dict[str, Any]]:
    if name is None and Environment.objects.by_name(settings.FLAGS_ENVIRONMENT) is None:
        return []
    here = FlagRules.objects.within(environment(name).pk).with_flag()
    rows = sorted(here, key=lambda row: row.flag.name)
    return [
        {
            "name": row.flag.name,
            "state": state(row),
            "rollout": rollout(row),
            "variants": len(row.variants),
            "description": row.flag.description,
        }
        for row in rows
        if not row.flag.is_archived
    ]


def state(row: FlagRules) -> str:
    if row.is_killed:
        return "killed"
    return "on" if row.enabled else "off"


def rollout(row: FlagRules) -> str | None:
    """Return the largest percentage of a flag's strategies; None where none goes by one."""
    shares = [
        str(each.get("parameters", {}).get("rollout"))
        for each in row.strategies
        if isinstance(each, Mapping) and each.get("name") == ROLLOUT
    ]
    return max(shares, key=_number, default=None)


def _number(share: str) -> float:
    try:
        return float(share)
    except ValueError:
        return 0.0


def details(name: str, where: str | None, *, archived: bool = False) -> dict[str, Any]:
    """Raises NotFoundError."""
    flag = Flag.objects.by_name(name)
    if flag is None or (flag.is_archived and not archived):
        raise NotFoundError("There is no such flag.")
    rows = FlagRules.objects.of(flag.pk).with_environment().in_order()
    shown = [RulesSerializer(row).data for row in rows if where in {None, row.environment.name}]
    return {**FlagSerializer(flag).data, "rules": shown}


def explained(name: str, where: str | None, context: Mapping[str, Any]) -> dict[str, Any]:
    """Raises NotFoundError."""
    found = _read(where)
    if name not in found.by_name:
        raise NotFoundError("There is no such flag.")
    given = {str(key): text(value) for key, value in context.items() if value is not None}
    given.setdefault("environment", found.environment)
    return explaining.explain(found, name, given)


def exported(where: str | None) -> dict[str, Any]:
    return serving.state(_read(where))


def stale(where: str | None, *, now: datetime) -> dict[str, Any]:
    """Return the flags that seem forgotten, each with the reason and its owner."""
    found = looking.stale(environment(where), now=now)
    rows = [
        {"id": str(each.flag.pk), "name": each.flag.name, "why": each.why, "owner_id": _id(each)}
        for each in found
    ]
    return {"stale": rows}


def _id(found: looking.Found) -> str | None:
    return str(found.flag.owner_id) if found.flag.owner_id else None


def _read(where: str | None) -> Snapshot:
    found = snapshots.read(environment(where).name)
    if found is None:
        raise NotFoundError("There is no such environment.")
    return found.as_of(time.time())


# -- As text ---------------------------------------------------------------------------------------
def lines(result: Any) -> list[str]:
    if isinstance(result, list):
        return [_line(each) for each in result] or ["No flags."]
    if "steps" in result:
        return _explanation(result)
    if "stale" in result:
        return [f"{each['name']}: {each['why']}" for each in result["stale"]] or ["None."]
    if "notes" in result:
        return _plan(result)
    if "action" in result:
        would = "Would be done" if result.get("dry_run") else "Done"
        return [f"{would}: {result['action']} {result['name']}."]
    return [f"{name}: {value}" for name, value in result.items()]


def _line(row: Mapping[str, Any]) -> str:
    share = f"{row['rollout']} %" if row["rollout"] is not None else ""
    return f"{row['state']:<7}{share:>9}  {row['name']}  {row['description']}".rstrip()


def _explanation(result: Mapping[str, Any]) -> list[str]:
    told = f"{result['flag']} is {'on' if result['enabled'] else 'off'} ({result['reason']})"
    steps = [
        f"  {'yes' if each['holds'] else 'no':<4}{each['step']}"
        + (f": {each['detail']}" if each["detail"] else "")
        for each in result["steps"]
    ]
    return [f"{told}, variant {result['variant'] or 'none'}.", *steps]


def _plan(result: Mapping[str, Any]) -> list[str]:
    would = "Would be " if result["dry_run"] else ""
    kinds = ("created", "changed", "restored", "archived")
    told = [f"{would}{kind}: {', '.join(result[kind])}" for kind in kinds if result[kind]]
    counts = f"{result['unchanged']} unchanged, {result['segments']} segments touched."
    return [*told, counts, *(f"Note: {note}" for note in result["notes"])]
