"""Going back to what an entry of the history tells."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.errors import ConflictError, NotFoundError
from flags.engine.constraints import moment
from flags.models import Flag, FlagChange, FlagRules, Segment
from flags.services import definitions, rules, segments
from flags.services.changes import Author


@transaction.atomic
def revert(
    *,
    change_id: UUID,
    author: Author,
    now: datetime,
    expected_version: int | None = None,
    confirm: bool = False,
) -> Flag | FlagRules | Segment:
    """Make things as they were after a change, as a new version.

    Raises NotFoundError, and ConflictError for an entry that holds no state to go back to.
    """
    entry = FlagChange.objects.find(change_id)
    if entry is None:
        raise NotFoundError("There is no such change.")
    common: dict[str, Any] = {"author": author, "now": now, "expected_version": expected_version}
    if entry.subject == FlagChange.Subject.SEGMENT and entry.after:
        return segments.change(
            segment_id=int(entry.subject_id), confirm=confirm, **entry.after, **common
        )
    if entry.subject == FlagChange.Subject.FLAG and entry.environment_name:
        if "strategies" in entry.after:
            return rules.change(
                name=entry.name,
                environment=entry.environment_name,
                action="reverted",
                **_fields(entry.after, rules.FIELDS),
                **common,
            )
    elif entry.subject == FlagChange.Subject.FLAG and "dependencies" in entry.after:
        return definitions.change(
            name=entry.name, **_fields(entry.after, definitions.SETTINGS), **common
        )
    raise ConflictError("This entry holds no state to go back to.")


def _fields(state: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(name, state[name]) for name in names if name in state}


def _value(name: str, value: Any) -> Any:
    if name == "owner_id" and value is not None:
        owner = User.objects.find(value)
        return owner.pk if owner is not None and owner.is_staff else None
    if not name.endswith("_at") or value is None:
        return value
    return datetime.fromisoformat(value) if moment(value) is not None else None
