"""Moments by a person's own clock: when their digest is due, and when they want quiet."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAY = 0
"""The weekly digest comes on Mondays."""


def zone_of(name: str) -> ZoneInfo:
    """Return a zone; UTC for one that is not known here, whose database may be older."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return ZoneInfo("UTC")


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(zone_of(zone)).date()


def next_digest(mails: str, hour: int, zone: str, now: datetime) -> datetime | None:
    """Return when the next digest is due after `now`; None for who wants none.

    An hour that the clock skips in spring is due an hour later, one that it repeats in autumn is
    due the first time.
    """
    if mails not in {"daily", "weekly"}:
        return None
    local = zone_of(zone)
    day = now.astimezone(local).date()
    while True:
        due = datetime.combine(day, time(hour), local).astimezone(UTC)
        if due > now and (mails == "daily" or day.weekday() == WEEKDAY):
            return due
        day += timedelta(days=1)


def quiet_end(start: time | None, end: time | None, zone: str, now: datetime) -> datetime | None:
    """Return when the quiet hours that it is in are over; None outside of any."""
    if start is None or end is None:
        return None
    local = now.astimezone(zone_of(zone))
    clock = local.time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not is_quiet:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    over = datetime.combine(day, end, local.tzinfo).astimezone(UTC)
    # In the hour that autumn repeats, the end of the first may lie behind us.
    return over if over > now else over + timedelta(hours=1)
