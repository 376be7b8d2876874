"""What every change of flags has in common: who makes it, its turn, its entry in the history.

Whoever changes something locks the environments that it concerns first, by name: changes take
turns, each is judged by what the one before it left, and a version names one state of things.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.conf import settings

from accounts.models import User
from core.errors import NotFoundError
from core.events import publish
from core.origin import Door, current
from flags.errors import VersionError
from flags.events import RulesetChanged
from flags.models import Environment, Flag, FlagChange, FlagRules, Segment
from flags.plans.errors import ApprovalNeededError

Source = FlagChange.Source
_SOURCES = {
    Door.REQUEST: Source.API,
    Door.ADMIN: Source.ADMIN,
    Door.JOB: Source.SCHEDULE,
    Door.TERMINAL: Source.COMMAND,
}


_SUBJECTS: Mapping[type, str] = {
    Flag: FlagChange.Subject.FLAG,
    Segment: FlagChange.Subject.SEGMENT,
    Environment: FlagChange.Subject.ENVIRONMENT,
}


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, by which door, and why."""

    id: UUID | None
    name: str
    source: Source
    reason: str = ""

    @classmethod
    def person(cls, user: User, *, reason: str = "") -> Self:
        return cls(user.pk, user.full_name or user.email, _SOURCES[current().door], reason)

    @classmethod
    def operator(cls, *, reason: str = "") -> Self:
        """Somebody at a terminal, or the system: nothing names who it was."""
        source = _SOURCES[current().door]
        name = "an operator" if source is Source.COMMAND else "the system"
        return cls(None, name, source, reason)


def environment(name: str | None = None) -> Environment:
    """Lock one environment; None: the one that this installation asks about.

    Raises NotFoundError; the installation's own is made where it is not there yet.
    """
    wanted = name or settings.FLAGS_ENVIRONMENT
    if wanted == settings.FLAGS_ENVIRONMENT:
        ensure_environment(wanted)
    found = Environment.objects.locked().by_name(wanted)
    if found is None:
        raise NotFoundError("There is no such environment.")
    return found


def own_environment() -> Environment | None:
    """Return the environment that this installation asks about; None before there is any flag."""
    return Environment.objects.by_name(settings.FLAGS_ENVIRONMENT)


def every_environment() -> list[Environment]:
    """Lock all of them."""
    ensure_environment(settings.FLAGS_ENVIRONMENT)
    return list(Environment.objects.in_order().locked())


def ensure_environment(name: str) -> bool:
    """Make an environment in which every flag is off, unless it is there; tell whether it was made.

    Call in a transaction.
    """
    if Environment.objects.by_name(name) is not None:
        return False
    list(Environment.objects.in_order().locked())  # no flag may be made in between
    made, is_new = Environment.objects.add_or_find(name)
    if is_new:
        rows = [FlagRules(flag=flag, environment=made) for flag in Flag.objects.all()]
        FlagRules.objects.add_all(rows)
    return is_new


def close(environments: Iterable[Environment]) -> None:
    """Raise the versions, and tell everybody once it is committed."""
    names = [each.name for each in environments]
    ids = [each.pk for each in environments]
    for pk in ids:
        Environment.objects.with_id(pk).raise_version()
    publish(RulesetChanged(environments=tuple(names)))


def require_version(row: Flag | FlagRules | Segment, expected: int | None) -> None:
    """Raises VersionError where somebody changed the row since; None: whatever it is."""
    if expected is not None and row.version != expected:
        raise VersionError(row.version)


def require_one_is_enough(where: Environment) -> None:
    """Raises ApprovalNeededError where changes take two people."""
    if where.demands_approval:
        raise ApprovalNeededError


def require_off_where_two_decide(flag: Flag) -> None:
    """Raises ApprovalNeededError where a flag is on in an environment whose changes take two
    people: what is changed past its rules, one person may change while it is off there.
    """
    for row in FlagRules.objects.of(flag.pk).with_environment():
        if row.environment.demands_approval and row.enabled:
            raise ApprovalNeededError(
                f"{flag.name} is on in {row.environment.name}, where changes take two people. "
                "Plan to switch it off there first."
            )


def record(
    subject: Flag | Segment | Environment,
    action: str,
    *,
    author: Author,
    now: datetime,
    states: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
    environment: str = "",
) -> FlagChange:
    """Write the entry of a change; `states` are before and after."""
    return FlagChange.objects.add(
        created_at=now,
        subject=_SUBJECTS[type(subject)],
        subject_id=str(subject.pk),
        name=subject.name,
        environment_name=environment,
        action=action,
        actor_id=author.id,
        actor_name=author.name,
        source=author.source,
        reason=author.reason,
        before=dict(states[0]),
        after=dict(states[1]),
    )
