"""Planning changes: for a time, for somebody else's approval, or both."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.api.serializers import plain
from core.errors import ConflictError, FieldProblem, ForbiddenError, InvalidError, NotFoundError
from core.events import publish
from flags import tasks
from flags.events import ChangePlanned, PlanDecided
from flags.models import Environment, FlagRules, PlannedChange
from flags.plans import applying
from flags.plans.models import MOST_WAITING
from flags.services import changes, definitions, rules
from flags.services.changes import Author

State = PlannedChange.State


@transaction.atomic
def plan(
    *,
    name: str,
    author: Author,
    now: datetime,
    due_at: datetime | None = None,
    environment: str | None = None,
    expected_version: int | None = None,
    at_once_if_past: bool = False,
    **fields: Any,
) -> PlannedChange:
    """Plan a change of rules. It is judged now and again when it is applied.

    A time that is past is refused, or with `at_once_if_past` applied now. Raises NotFoundError,
    ConflictError, VersionError, InvalidError.
    """
    where, row = rules.locked(name, environment, now=now)
    changes.require_version(row, expected_version)
    _require_sense(where, due_at, fields, now=now, at_once_if_past=at_once_if_past)
    rules.judge(fields, row)
    made = store(where, row, fields, due_at=due_at, author=author, now=now)
    if made.state == State.SCHEDULED and due_at is not None and due_at <= now:
        rules.apply(where, row, made, now=now)
    return made


def store(
    where: Environment,
    row: FlagRules,
    fields: dict[str, Any],
    *,
    due_at: datetime | None,
    author: Author,
    now: datetime,
) -> PlannedChange:
    """Write a plan down. Call with the rules locked, and its fields judged."""
    _require_room(row)
    state = State.PROPOSED if where.demands_approval else State.SCHEDULED
    made = PlannedChange.objects.add(
        flag=row.flag,
        environment=where,
        changes={key: plain(value) for key, value in fields.items()},
        base_version=row.version,
        due_at=due_at,
        state=state,
        reason=author.reason,
        author_id=author.id,
        author_name=author.name[:254],
        created_at=now,
    )
    applying.note(made, "planned", author=author, now=now)
    publish(
        ChangePlanned(
            plan_id=made.pk,
            flag_id=row.flag_id,
            name=row.flag.name,
            environment=where.name,
            due_at=due_at,
            needs_approval=state == State.PROPOSED,
            actor_id=author.id,
        )
    )
    if state == State.SCHEDULED:
        _queue(made, where)
    return made


@transaction.atomic
def approve(*, plan_id: UUID, author: Author, now: datetime) -> PlannedChange:
    """Let a planned change go on: at its time, or now where that is past or it has none.

    One whose rules were changed meanwhile becomes a conflict, which its state tells. Raises
    NotFoundError, ForbiddenError for its author, ConflictError for one that does not wait for it.
    """
    made, where, row = _to_decide(plan_id, now=now)
    if made.state != State.PROPOSED:
        raise ConflictError("This does not wait for approval any more.")
    if author.id is None or author.id == made.author_id:
        raise ForbiddenError("Somebody else than who planned it approves.")
    PlannedChange.objects.change(made, decided_by_id=author.id, decided_by_name=author.name[:254])
    _tell(made, "approved", author=author, now=now)
    if made.due_at is not None and made.due_at > now and made.base_version == row.version:
        PlannedChange.objects.change(made, state=State.SCHEDULED)
        _queue(made, where)
    else:
        rules.apply(where, row, made, now=now)
    return made


@transaction.atomic
def reject(*, plan_id: UUID, author: Author, now: datetime) -> PlannedChange:
    """End a planned change that waits for approval. Raises NotFoundError, ConflictError."""
    made, _, _ = _to_decide(plan_id, now=now)
    if made.state != State.PROPOSED:
        raise ConflictError("This does not wait for approval any more.")
    return _end(made, State.REJECTED, author=author, now=now)


@transaction.atomic
def cancel(*, plan_id: UUID, author: Author, now: datetime) -> PlannedChange:
    """Take a planned change back, whatever it waits for. Raises NotFoundError, ConflictError."""
    made, where, _ = _to_decide(plan_id, now=now)
    if made.state == State.CANCELLED:
        return made
    if not made.is_waiting:
        raise ConflictError(f"It is over: {made.get_state_display().lower()}.")
    was_scheduled = made.state == State.SCHEDULED
    _end(made, State.CANCELLED, author=author, now=now)
    if was_scheduled:
        changes.close([where])
    return made


def _to_decide(plan_id: UUID, *, now: datetime) -> tuple[PlannedChange, Environment, FlagRules]:
    found = PlannedChange.objects.with_names().find(plan_id)
    if found is None:
        raise NotFoundError("There is no such planned change.")
    where = changes.environment(found.environment.name)
    flag = definitions.by_name(found.flag.name)
    row = FlagRules.objects.of(flag.pk).within(where.pk).locked().get()
    row.flag, row.environment = flag, where
    if not flag.is_archived:
        rules.settle(where, row, now=now)
    made = PlannedChange.objects.locked().by_id(plan_id)
    made.flag, made.environment = flag, where
    return made, where, row


def _end(made: PlannedChange, state: str, *, author: Author, now: datetime) -> PlannedChange:
    PlannedChange.objects.change(made, decided_by_id=author.id, decided_by_name=author.name[:254])
    applying.end(made, state, now=now, why=author.reason)
    _tell(made, state, author=author, now=now)
    return made


def _tell(made: PlannedChange, decision: str, *, author: Author, now: datetime) -> None:
    applying.note(made, f"plan_{decision}", author=author, now=now)
    publish(
        PlanDecided(
            plan_id=made.pk,
            flag_id=made.flag_id,
            name=made.flag.name,
            environment=made.environment.name,
            decision=decision,
            author_id=made.author_id,
            actor_id=author.id,
        )
    )


def _queue(made: PlannedChange, where: Environment) -> None:
    """Have every process know of it, and a worker make it lasting when it is due."""
    changes.close([where])
    tasks.settle_plans.with_options(schedule_at=made.due_at).defer(environment=where.name)


def _require_sense(
    where: Environment,
    due_at: datetime | None,
    fields: dict[str, Any],
    *,
    now: datetime,
    at_once_if_past: bool,
) -> None:
    if not fields:
        raise InvalidError(FieldProblem("", "required", "Say what is to change."))
    if due_at is None and not where.demands_approval:
        raise InvalidError(FieldProblem("/due_at", "required", "Say when."))
    if due_at is not None and due_at <= now and not at_once_if_past:
        detail = "This time is past. Give a later one, or set `at_once_if_past`."
        raise InvalidError(FieldProblem("/due_at", "invalid", detail))


def _require_room(row: FlagRules) -> None:
    waiting = PlannedChange.objects.of_rules(row.flag_id, row.environment_id).waiting()
    if waiting.count() >= MOST_WAITING:
        raise ConflictError(f"{MOST_WAITING} changes wait here already. Take some back.")
