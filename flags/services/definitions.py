"""Flags themselves: what concerns every environment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from core.events import publish
from flags.errors import FlagNeededError
from flags.events import FlagArchived, FlagChanged, FlagCreated, FlagDeleted, FlagRestored
from flags.models import MAX_NAME, Environment, Flag, FlagRules
from flags.services import changes
from flags.services.changes import Author

SETTINGS = (
    "description", "kind", "is_client_visible", "is_org_overridable", "is_permanent",
    "impression_data", "persist_anonymous", "expires_at", "dependencies", "owner_id",
)  # fmt: skip
MOST_FLAGS = 10_000


@transaction.atomic
def create(*, name: str, author: Author, now: datetime, **fields: Any) -> Flag:
    """Make a flag that is off everywhere. Who makes it owns it, unless `owner_id` says who does.

    Raises ConflictError for a name that is taken, or was until lately; InvalidError.
    """
    environments = changes.every_environment()
    _require_name(name)
    _require_free(name, now=now)
    _judge_dependencies(name, fields.get("dependencies", []))
    _judge_owner(fields.get("owner_id"))
    fields.setdefault("owner_id", author.id)
    flag = Flag.objects.add(name=name, created_at=now, **fields)
    FlagRules.objects.add_all(FlagRules(flag=flag, environment=each) for each in environments)
    changes.record(flag, "created", author=author, now=now, states=({}, state(flag)))
    publish(FlagCreated(flag_id=flag.pk, name=name, actor_id=author.id))
    changes.close(environments)
    return flag


@transaction.atomic
def change(
    *,
    name: str,
    author: Author,
    now: datetime,
    expected_version: int | None = None,
    **fields: Any,
) -> Flag:
    """Change what concerns every environment; fields that are left out stay.

    Raises NotFoundError, VersionError, InvalidError.
    """
    environments = changes.every_environment()
    flag = locked(name)
    changes.require_version(flag, expected_version)
    if "dependencies" in fields:
        _judge_dependencies(name, fields["dependencies"])
    _judge_owner(fields.get("owner_id"))
    before = state(flag)
    changed = [field for field, value in fields.items() if getattr(flag, field) != value]
    if not changed:
        return flag
    if "dependencies" in changed:
        changes.require_off_where_two_decide(flag)
    Flag.objects.change(flag, version=flag.version + 1, **fields)
    after = state(flag)
    changes.record(flag, "changed", author=author, now=now, states=(before, after))
    publish(
        FlagChanged(
            flag_id=flag.pk,
            name=name,
            environment=None,
            fields=tuple(sorted(changed)),
            actor_id=author.id,
        )
    )
    changes.close(environments)
    return flag


@transaction.atomic
def archive(*, name: str, author: Author, now: datetime) -> Flag:
    """Take a flag away: it is as if it were not there. Its name stays reserved for 30 days.

    Twice does no harm. Raises FlagNeededError where others depend on it.
    """
    environments = changes.every_environment()
    flag = by_name(name)
    if flag.is_archived:
        return flag
    needing = sorted(each.name for each in Flag.objects.present().needing(name))
    if needing:
        raise FlagNeededError(needing)
    changes.require_off_where_two_decide(flag)
    Flag.objects.change(flag, archived_at=now, version=flag.version + 1)
    changes.record(flag, "archived", author=author, now=now)
    publish(FlagArchived(flag_id=flag.pk, name=name, actor_id=author.id))
    changes.close(environments)
    return flag


@transaction.atomic
def restore(*, name: str, author: Author, now: datetime) -> Flag:
    """Bring an archived flag back, with the rules that it had. Twice does no harm."""
    environments = changes.every_environment()
    flag = by_name(name)
    if not flag.is_archived:
        return flag
    _judge_dependencies(name, flag.dependencies)
    Flag.objects.change(flag, archived_at=None, version=flag.version + 1)
    changes.record(flag, "restored", author=author, now=now)
    publish(FlagRestored(flag_id=flag.pk, name=name, actor_id=author.id))
    changes.close(environments)
    return flag


@transaction.atomic
def delete(*, name: str, author: Author, now: datetime) -> UUID:
    """Delete an archived flag for good; its history stays. Raises ConflictError for another."""
    changes.every_environment()
    flag = by_name(name)
    if not flag.is_archived:
        raise ConflictError("Archive the flag first: nothing may ask about one that is deleted.")
    return _remove(flag, author=author, now=now)


def by_name(name: str) -> Flag:
    """Raises NotFoundError."""
    found = Flag.objects.locked().by_name(name)
    if found is None:
        raise NotFoundError("There is no such flag.")
    return found


def locked(name: str) -> Flag:
    """Return a flag to change. Raises NotFoundError, and ConflictError for an archived one."""
    flag = by_name(name)
    if flag.is_archived:
        raise ConflictError("This flag is archived. Restore it first.")
    return flag


def state(flag: Flag) -> Mapping[str, Any]:
    """Return what the history keeps of a flag."""
    found = {name: getattr(flag, name) for name in SETTINGS}
    expires_at = flag.expires_at
    return {
        **found,
        "expires_at": expires_at.isoformat() if expires_at else None,
        "owner_id": str(flag.owner_id) if flag.owner_id else None,
    }


def _remove(flag: Flag, *, author: Author, now: datetime) -> UUID:
    flag_id = flag.pk
    changes.record(flag, "deleted", author=author, now=now, states=(state(flag), {}))
    Flag.objects.remove(flag)
    publish(FlagDeleted(flag_id=flag_id, name=flag.name, actor_id=None))
    return flag_id


def _require_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or "\0" in name:
        detail = f"Give a name of 1 to {MAX_NAME} characters."
        raise InvalidError(FieldProblem("/name", "invalid", detail))
    if Flag.objects.count() >= MOST_FLAGS:
        raise ConflictError(f"There are {MOST_FLAGS} flags already. Archive and delete some.")


def _require_free(name: str, *, now: datetime) -> None:
    taken = Flag.objects.locked().by_name(name)
    if taken is None:
        return
    if not taken.is_archived:
        raise ConflictError("There is a flag of this name already.")
    if not taken.is_name_free(now=now):
        raise ConflictError("A flag of this name was archived within 30 days. Restore that one.")
    _remove(taken, author=Author.operator(reason="its name was given to a new flag"), now=now)


def _judge_dependencies(name: str, given: Any) -> None:
    """Raises InvalidError. One that has dependencies of its own could never be met, as in Unleash;
    so neither circles nor chains come about.
    """
    problems = list(_shape_problems(given)) or [
        FieldProblem(f"/dependencies/{index}/feature", "invalid", detail)
        for index, each in enumerate(given)
        if (detail := _why_not(name, each["feature"]))
    ]
    if given and not problems:
        needing = sorted(each.name for each in Flag.objects.present().needing(name))
        if needing:
            told = ", ".join(needing)
            detail = f"{told} depends on this flag, and could then never be on."
            problems = [FieldProblem("/dependencies", "invalid", detail)]
    if problems:
        raise InvalidError(*problems)


def _judge_owner(owner_id: UUID | None) -> None:
    """Raises InvalidError for somebody who manages no flags."""
    if owner_id is None:
        return
    owner = User.objects.find(owner_id)
    if owner is None or not owner.is_staff:
        raise InvalidError(FieldProblem("/owner_id", "invalid", "Name somebody of the staff."))


def _shape_problems(given: Any) -> list[FieldProblem]:
    if not isinstance(given, list):
        return [FieldProblem("/dependencies", "invalid", "Give a list.")]
    return [
        FieldProblem(f"/dependencies/{index}", "invalid", "Give feature, enabled and variants.")
        for index, each in enumerate(given)
        if not _is_dependency(each)
    ]


def _is_dependency(given: Any) -> bool:
    if not isinstance(given, Mapping) or given.keys() - {"feature", "enabled", "variants"}:
        return False
    named = given.get("variants", [])
    return (
        isinstance(given.get("feature"), str)
        and isinstance(given.get("enabled", True), bool)
        and isinstance(named, list)
        and all(isinstance(each, str) for each in named)
    )


def _why_not(name: str, needed: str) -> str | None:
    if needed == name:
        return "A flag can't depend on itself."
    found = Flag.objects.present().by_name(needed)
    if found is None:
        return "There is no such flag."
    if found.dependencies:
        return "That flag depends on others itself, so this one could never be on."
    return None


def environments() -> list[Environment]:
    return list(Environment.objects.in_order())
