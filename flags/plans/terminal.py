"""Planned changes and environments for the command `flag`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from core.management.base import UsageError
from flags.models import PlannedChange
from flags.plans.serializers import PlannedChangeSerializer, PlanSerializer
from flags.services import environments, planning
from flags.services.changes import Author

REASON = "for the history"
DRY_RUN = "tell, but change nothing"


def add_plan(parser: CommandParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--at", metavar="TIME", help="with its offset: 2026-12-01T09:00:00+01:00")
    parser.add_argument(
        "--set", required=True, metavar="JSON", help='rules to change: {"enabled": true}'
    )
    parser.add_argument("--now-if-past", action="store_true", help="a time that is past means now")
    parser.add_argument("--reason", default="", help=REASON)


def add_cancel(parser: CommandParser) -> None:
    parser.add_argument("id", help="of the planned change, as `flag plans` shows it")
    parser.add_argument("--reason", default="", help=REASON)


def add_copy(parser: CommandParser) -> None:
    parser.add_argument("source")
    parser.add_argument("target", help="a new name makes an environment")
    parser.add_argument(
        "--with-targets", action="store_true", help="persons on the lists as well, one by one"
    )
    parser.add_argument("--reason", default="", help=REASON)
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)


def add_approval(parser: CommandParser) -> None:
    parser.add_argument("environment")
    parser.add_argument("demanded", choices=["on", "off"])
    parser.add_argument("--reason", default="", help=REASON)


def plan(options: Mapping[str, Any]) -> dict[str, Any]:
    body = PlanSerializer(data=_fields(options))
    if not body.is_valid():
        told = (f"{name}: {' '.join(map(str, words))}" for name, words in body.errors.items())
        raise UsageError(" ".join(told))
    fields = dict(body.validated_data)
    reason = fields.pop("reason", "") or options["reason"]
    made = planning.plan(
        name=options["name"],
        environment=options["environment"],
        author=Author.operator(reason=reason),
        now=timezone.now(),
        **fields,
    )
    return {"plans": [dict(PlannedChangeSerializer(made).data)]}


def plans(options: Mapping[str, Any]) -> dict[str, Any]:
    waiting = PlannedChange.objects.waiting().with_names().in_turn()
    waiting = waiting.about(environment=options["environment"], flag=None)
    return {"plans": [dict(PlannedChangeSerializer(each).data) for each in waiting]}


def cancel(options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plan_id = UUID(options["id"])
    except ValueError:
        raise UsageError(f"{options['id']} is no id. See `flag plans`.") from None
    author = Author.operator(reason=options["reason"])
    made = planning.cancel(plan_id=plan_id, author=author, now=timezone.now())
    return {"plans": [dict(PlannedChangeSerializer(made).data)]}


@transaction.atomic
def copy(options: Mapping[str, Any]) -> dict[str, Any]:
    done = environments.copy(
        source=options["source"],
        target=options["target"],
        with_targets=options["with_targets"],
        author=Author.operator(reason=options["reason"]),
        now=timezone.now(),
    )
    transaction.set_rollback(options["dry_run"])
    return {"copied": vars(done), "dry_run": options["dry_run"]}


def approval(options: Mapping[str, Any]) -> dict[str, Any]:
    where = environments.demand_approval(
        name=options["environment"],
        demanded=options["demanded"] == "on",
        author=Author.operator(reason=options["reason"]),
        now=timezone.now(),
    )
    return {"environment": where.name, "demands_approval": where.demands_approval}


def lines(result: Mapping[str, Any]) -> list[str]:
    if "plans" in result:
        return [_line(each) for each in result["plans"]] or ["Nothing is planned."]
    if "copied" in result:
        return _copied(result["copied"], would="Would be " if result["dry_run"] else "")
    people = "two people" if result["demands_approval"] else "one person"
    return [f"Changes in {result['environment']} take {people}."]


def _line(each: Mapping[str, Any]) -> str:
    when = each["due_at"] or "once approved"
    told = f"{each['id']}  {each['state']:<9}  {when}  {each['flag']} in {each['environment']}"
    return f"{told}: {json.dumps(each['changes'], ensure_ascii=False)}"


def _copied(done: Mapping[str, Any], *, would: str) -> list[str]:
    told = [
        f"{would}{kind}: {', '.join(done[kind])}" for kind in ("changed", "planned") if done[kind]
    ]
    made = [f"{would}made: the environment {done['target']}"] if done["environment_created"] else []
    return [*made, *told, f"{done['unchanged']} unchanged."]


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Raises UsageError."""
    try:
        fields = json.loads(options["set"])
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise UsageError("--set must be a JSON object.")
    if options["at"] is not None:
        fields["due_at"] = _moment(options["at"])
    return {**fields, "at_once_if_past": options["now_if_past"]}


def _moment(text: str) -> str:
    """A time without an offset is refused: it might be meant, and happen, twice."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError("--at must be a time with its offset: 2026-12-01T09:00:00+01:00.")
    return text
