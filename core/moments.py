"""Moments in words, for mails and pages that people read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def in_words(moment: datetime, *, zone: str) -> str:
    """Return the moment in a person's time zone, with UTC beside it.

    As in "24 November 2026, 00:05 (Europe/Paris; 23 November 2026, 23:05 UTC)". A zone that is not
    known here, because the database of zones is older than the profile, leaves UTC alone.
    """
    world = moment.astimezone(UTC)
    local = _local(moment, zone)
    if local is None or local.utcoffset() == world.utcoffset():
        return f"{_day(world)}, {world:%H:%M} UTC"
    other_day = f"{_day(world)}, " if world.date() != local.date() else ""
    place = zone.replace("_", " ")
    return f"{_day(local)}, {local:%H:%M} ({place}; {other_day}{world:%H:%M} UTC)"


def _local(moment: datetime, zone: str) -> datetime | None:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
