from datetime import UTC, datetime

import pytest

from core import moments

EVENING = datetime(2026, 11, 23, 23, 5, 59, tzinfo=UTC)
NOON = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        (NOON, "UTC", "3 June 2026, 12:00 UTC"),
        (NOON, "Europe/Paris", "3 June 2026, 14:00 (Europe/Paris; 12:00 UTC)"),
        (NOON, "Asia/Kolkata", "3 June 2026, 17:30 (Asia/Kolkata; 12:00 UTC)"),
        (NOON, "Africa/Abidjan", "3 June 2026, 12:00 UTC"),
        (
            EVENING,
            "Europe/Paris",
            "24 November 2026, 00:05 (Europe/Paris; 23 November 2026, 23:05 UTC)",
        ),
        (EVENING, "America/New_York", "23 November 2026, 18:05 (America/New York; 23:05 UTC)"),
    ],
)
def test_a_moment_is_told_in_the_zone_and_in_utc(moment: datetime, zone: str, words: str) -> None:
    assert moments.in_words(moment, zone=zone) == words


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "A\x00"])
def test_a_zone_that_is_not_known_leaves_utc(zone: str) -> None:
    assert moments.in_words(NOON, zone=zone) == "3 June 2026, 12:00 UTC"
