"""Constraints that many flags share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from core.events import publish
from flags import validation
from flags.errors import ConfirmationNeededError, SegmentInUseError
from flags.events import SegmentChanged, SegmentCreated, SegmentDeleted
from flags.models import FlagRules, PlannedChange, Segment
from flags.plans.errors import ApprovalNeededError
from flags.services import changes
from flags.services.changes import Author


@transaction.atomic
def create(
    *,
    name: str,
    constraints: Sequence[Any],
    author: Author,
    now: datetime,
    description: str = "",
) -> Segment:
    """Raises InvalidError, and ConflictError for a name that is taken."""
    environments = changes.every_environment()
    validation.constraints(constraints)
    _require_name(name)
    made = Segment.objects.add(name=name, constraints=constraints, description=description)
    changes.record(made, "created", author=author, now=now, states=({}, state(made)))
    publish(SegmentCreated(segment_id=made.pk, name=name, actor_id=author.id))
    changes.close(environments)
    return made


@transaction.atomic
def change(
    *,
    segment_id: int,
    author: Author,
    now: datetime,
    expected_version: int | None = None,
    confirm: bool = False,
    **fields: Any,
) -> Segment:
    """Change a segment, and so every flag that uses it.

    Raises ConfirmationNeededError, which names those flags, unless that is confirmed.
    """
    environments = changes.every_environment()
    segment = locked(segment_id)
    changes.require_version(segment, expected_version)
    if "constraints" in fields:
        validation.constraints(fields["constraints"])
    if fields.get("name", segment.name) != segment.name:
        _require_name(fields["name"])
    changed = tuple(sorted(name for name, v in fields.items() if getattr(segment, name) != v))
    if not changed:
        return segment
    concerned = users_of(segment_id)
    if "constraints" in changed:
        require_one_is_enough(segment_id)
        if concerned and not confirm:
            raise ConfirmationNeededError(concerned)
    before = state(segment)
    Segment.objects.change(segment, version=segment.version + 1, **fields)
    changes.record(segment, "changed", author=author, now=now, states=(before, state(segment)))
    publish(SegmentChanged(segment.pk, segment.name, changed, author.id))
    changes.close(environments)
    return segment


@transaction.atomic
def delete(*, segment_id: int, author: Author, now: datetime) -> None:
    """Raises SegmentInUseError, which names the flags that use it."""
    environments = changes.every_environment()
    segment = locked(segment_id)
    concerned = users_of(segment_id)
    if concerned:
        raise SegmentInUseError(concerned)
    changes.record(segment, "deleted", author=author, now=now, states=(state(segment), {}))
    publish(SegmentDeleted(segment_id=segment.pk, name=segment.name, actor_id=author.id))
    Segment.objects.remove(segment)
    changes.close(environments)


def users_of(segment_id: int) -> list[str]:
    """Return the names of the flags that use a segment, in whichever environment, or are planned
    to.
    """
    planned = PlannedChange.objects.using_segment(segment_id).flag_names()
    return sorted({*FlagRules.objects.using_segment(segment_id).flag_names(), *planned})


def require_one_is_enough(segment_id: int) -> None:
    """Raises ApprovalNeededError for one that is used where changes take two people."""
    for row in FlagRules.objects.using_segment(segment_id).with_environment().with_flag():
        if row.environment.demands_approval:
            raise ApprovalNeededError(
                f"{row.flag.name} uses it in {row.environment.name}, where changes take two "
                "people. Make another segment, and plan rules that use that one."
            )


def locked(segment_id: int) -> Segment:
    found = Segment.objects.locked().find(segment_id)
    if found is None:
        raise NotFoundError("There is no such segment.")
    return found


def state(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "description": segment.description,
        "constraints": segment.constraints,
    }


def _require_name(name: str) -> None:
    if not name.strip():
        raise InvalidError(FieldProblem("/name", "invalid", "Give a name."))
    if Segment.objects.by_name(name) is not None:
        raise ConflictError("There is a segment of this name already.")
