"""Digests and quiet hours by the person's own clock."""

from datetime import UTC, datetime, time

import pytest

from notifications.choices.clocks import next_digest, quiet_end


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("mails", "hour", "zone", "now", "due"),
    [
        ("at_once", 8, "UTC", "2026-11-28T07:00", None),
        ("daily", 8, "UTC", "2026-11-28T07:00", "2026-11-28T08:00"),
        ("daily", 8, "UTC", "2026-11-28T08:00", "2026-11-29T08:00"),
        ("daily", 8, "Europe/Paris", "2026-11-28T06:59", "2026-11-28T07:00"),
        ("daily", 8, "Pacific/Auckland", "2026-11-28T06:59", "2026-11-28T19:00"),
        ("weekly", 8, "UTC", "2026-11-28T07:00", "2026-11-30T08:00"),
        # The hour that spring skips, and the one that autumn repeats: each once.
        ("daily", 2, "Europe/Paris", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("daily", 2, "Europe/Paris", "2026-03-29T01:00", "2026-03-30T00:00"),
        ("daily", 2, "Europe/Paris", "2026-10-24T12:00", "2026-10-25T00:00"),
        ("daily", 2, "Europe/Paris", "2026-10-25T00:00", "2026-10-26T01:00"),
        ("daily", 8, "Nowhere/Land", "2026-11-28T07:00", "2026-11-28T08:00"),
    ],
)
def test_when_the_next_digest_is_due(
    mails: str, hour: int, zone: str, now: str, due: str | None
) -> None:  # NTF 16
    assert next_digest(mails, hour, zone, at(now)) == (at(due) if due else None)


@pytest.mark.parametrize(
    ("start", "end", "zone", "now", "over"),
    [
        ("22:00", "07:00", "UTC", "2026-11-28T21:59", None),
        ("22:00", "07:00", "UTC", "2026-11-28T22:00", "2026-11-29T07:00"),
        ("22:00", "07:00", "UTC", "2026-11-29T06:59", "2026-11-29T07:00"),
        ("22:00", "07:00", "UTC", "2026-11-29T07:00", None),
        ("12:00", "13:00", "Europe/Paris", "2026-11-28T11:30", "2026-11-28T12:00"),
        ("12:00", "13:00", "Europe/Paris", "2026-11-28T12:00", None),
        ("22:00", "02:30", "Europe/Paris", "2026-10-25T01:10", "2026-10-25T01:30"),
    ],
)
def test_when_quiet_hours_are_over(
    start: str, end: str, zone: str, now: str, over: str | None
) -> None:  # NTF 18
    found = quiet_end(time.fromisoformat(start), time.fromisoformat(end), zone, at(now))

    assert found == (at(over) if over else None)


def test_nobody_is_quiet_who_said_nothing() -> None:
    assert quiet_end(None, None, "UTC", at("2026-11-28T03:00")) is None
