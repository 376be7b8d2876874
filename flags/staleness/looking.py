"""Finding flags that seem forgotten, and telling each owner once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core.events import publish
from flags.events import FlagFoundStale
from flags.models import Environment, Flag, FlagRules, FlagUsage, StaleFlag
from flags.services.changes import own_environment
from flags.staleness.repositories import edited_at_by_flag, only_answers

FORGOTTEN_AFTER = timedelta(days=30)
ONE_SIDED_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Found:
    flag: Flag
    why: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of the use of all flags in one environment, by name."""

    asked_at: Mapping[str, datetime]
    only_answer: Mapping[str, tuple[bool, str]]
    """Of flags that gave one answer alone for the whole time: whether on, and the variant."""
    edited_at: Mapping[str, datetime]


def stale(where: Environment, *, now: datetime) -> list[Found]:
    """Return the flags that seem forgotten, by name. Permanent ones never do."""
    seen = _Seen(
        asked_at=FlagUsage.objects.last_asked(where.name),
        only_answer=only_answers(FlagUsage.objects.all(), where.name, since=now - ONE_SIDED_FOR),
        edited_at=edited_at_by_flag(FlagRules.objects.within(where.pk)),
    )
    found = []
    for flag in sorted(Flag.objects.present(), key=lambda each: each.name):
        why = None if flag.is_permanent else _why(flag, seen, now)
        if why is not None:
            found.append(Found(flag, why))
    return found


@transaction.atomic
def look(*, now: datetime) -> int:
    """Bring the kept list up to date and tell owners of what is new in it; return how many.

    A second run tells nobody anything.
    """
    where = own_environment()
    if where is None:
        return 0
    kept = StaleFlag.objects.locked().by_flag()
    found = {each.flag.pk: each for each in stale(where, now=now)}
    for flag_id in kept.keys() - found.keys():
        StaleFlag.objects.remove(kept[flag_id])
    return sum(_keep(each, kept.get(pk), now) for pk, each in found.items())


def _keep(found: Found, row: StaleFlag | None, now: datetime) -> int:
    if row is None:
        row = StaleFlag.objects.add(flag=found.flag, why=found.why, found_at=now)
    elif row.why != found.why:
        StaleFlag.objects.change(row, why=found.why)
    owner_id = found.flag.owner_id
    if row.told_at is not None or owner_id is None:
        return 0
    StaleFlag.objects.change(row, told_at=now)
    publish(FlagFoundStale(found.flag.pk, found.flag.name, found.why, owner_id))
    return 1


def _why(flag: Flag, seen: _Seen, now: datetime) -> str | None:
    if flag.expires_at is not None and flag.expires_at <= now:
        return f"expired on {flag.expires_at:%Y-%m-%d}"
    asked_at = seen.asked_at.get(flag.name)
    if max(asked_at or flag.created_at, flag.created_at) <= now - FORGOTTEN_AFTER:
        return f"not asked about since {asked_at:%Y-%m-%d}" if asked_at else "never asked about"
    return _why_one_sided(flag, seen, now)


def _why_one_sided(flag: Flag, seen: _Seen, now: datetime) -> str | None:
    """It was asked about for the whole time, nobody edited it, and it always said the same."""
    answer = seen.only_answer.get(flag.name)
    edited_at = max(flag.updated_at, seen.edited_at.get(flag.name, flag.updated_at))
    if answer is None or max(edited_at, flag.created_at) > now - ONE_SIDED_FOR:
        return None
    enabled, variant = answer
    given = f"on, variant {variant}" if enabled and variant else "on" if enabled else "off"
    return f"{given} for everybody who asked in {ONE_SIDED_FOR.days} days, and not edited since"
