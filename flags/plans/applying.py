"""What becomes of a planned change: it is applied once, or refused and its author told."""

from datetime import datetime
from typing import Any

from core.api.serializers import rfc3339
from core.events import publish
from flags.events import PlanApplied, PlanRefused
from flags.models import FlagChange, PlannedChange
from flags.services import changes
from flags.services.changes import Author

State = PlannedChange.State
CHANGED_MEANWHILE = "The rules were changed, or the flag was killed, after this was planned."
ARCHIVED = "The flag was archived after this was planned."


def author_of(plan: PlannedChange) -> Author:
    """Return whose change it is, for the history."""
    approved = f"approved by {plan.decided_by_name}" if plan.decided_by_name else ""
    reason = ", ".join(filter(None, (plan.reason, approved)))[:500]
    return Author(plan.author_id, plan.author_name, FlagChange.Source.SCHEDULE, reason)


def finish(plan: PlannedChange, *, version: int, now: datetime) -> None:
    """Note that it was applied. What was planned after it, and with it in view, builds on it."""
    PlannedChange.objects.building_on(plan).move_base(version)
    end(plan, State.APPLIED, now=now)
    publish(PlanApplied(**_about(plan), due_at=plan.due_at, actor_id=plan.author_id))


def refuse(plan: PlannedChange, why: str, *, now: datetime) -> None:
    """Mark a conflict; whoever planned it and the owner of the flag are told."""
    end(plan, State.CONFLICT, now=now, why=why)
    note(plan, "plan_refused", author=author_of(plan), now=now)
    people = {each for each in (plan.author_id, plan.flag.owner_id) if each is not None}
    publish(PlanRefused(**_about(plan), why=why, told=tuple(sorted(people)), actor_id=None))


def end(plan: PlannedChange, state: str, *, now: datetime, why: str = "") -> None:
    PlannedChange.objects.change(plan, state=state, ended_at=now, why_ended=why[:500])


def note(plan: PlannedChange, action: str, *, author: Author, now: datetime) -> None:
    """Write what happened to a plan into the flag's history."""
    told = {"planned": plan.changes, "due_at": rfc3339(plan.due_at)}
    changes.record(
        plan.flag,
        action,
        author=author,
        now=now,
        states=({}, {**told, "state": plan.state, "id": str(plan.pk)}),
        environment=plan.environment.name,
    )


def _about(plan: PlannedChange) -> dict[str, Any]:
    return {
        "plan_id": plan.pk,
        "flag_id": plan.flag_id,
        "name": plan.flag.name,
        "environment": plan.environment.name,
    }
