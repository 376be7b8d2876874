"""What seems forgotten, and whom it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.jobs.registry import all_periodic
from flags.models import Environment, Flag, FlagRules, FlagUsage, StaleFlag
from flags.services import definitions
from flags.staleness import looking
from notifications.models import Notification
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Any:
    """Flags are made sixty days before they are looked at."""
    with time_machine.travel(NOW - 60 * DAY, tick=False) as traveller:
        yield traveller


def asked(days_ago: float, *, on: bool = True, variant: str = "", times: int = 1) -> None:
    hour = (NOW - timedelta(days=days_ago)).replace(minute=0, second=0, microsecond=0)
    FlagUsage.objects.add_counts({("production", "lamp", on, variant): times}, hour=hour)


def found() -> list[str]:
    where = Environment.objects.get(name="production")
    return [each.why for each in looking.stale(where, now=NOW)]


def test_one_that_nobody_asked_about_for_30_days() -> None:  # FLG 32
    make_flag()
    assert found() == ["never asked about"]

    asked(30)
    assert found() == ["not asked about since 2026-10-02"]
    asked(29)
    assert found() == []


def test_a_new_one_is_not_forgotten_yet(clock: Any) -> None:  # FLG 32
    clock.move_to(NOW - 29 * DAY)
    make_flag()

    assert found() == []


ONE_SIDED = "{} for everybody who asked in 14 days, and not edited since"


@pytest.mark.parametrize(
    ("on", "variant", "told"),
    [(True, "", "on"), (False, "", "off"), (True, "red", "on, variant red")],
)
def test_one_that_says_the_same_for_14_days(on: bool, variant: str, told: str) -> None:  # FLG 32
    make_flag()
    asked(16, on=not on)  # before that it may have said anything
    for days_ago in (14, 7, 0):
        asked(days_ago, on=on, variant=variant)

    assert found() == [ONE_SIDED.format(told)]


@pytest.mark.parametrize("other", [{"on": False}, {"variant": "blue"}])
def test_one_that_says_different_things_is_used(other: Any) -> None:  # FLG 32
    make_flag()
    for days_ago in (15, 7, 0):
        asked(days_ago, variant="red")
    asked(13, **other)

    assert found() == []


def test_what_was_only_just_asked_is_not_one_sided() -> None:  # FLG 32
    make_flag()
    asked(1)
    asked(16, times=0)  # SDKs tell of answers that nobody got, too

    assert found() == []


@pytest.mark.parametrize("edit", ["rules", "flag"])
def test_one_that_was_edited_is_not_one_sided(clock: Any, edit: str) -> None:  # FLG 32
    make_flag()
    for days_ago in (15, 7, 0):
        asked(days_ago)
    clock.move_to(NOW - 13 * DAY)
    if edit == "rules":
        change_rules(strategies=[share("100")])
    else:
        definitions.change(name="lamp", description="x", author=AUTHOR, now=NOW)

    assert found() == []


def test_one_past_its_time(clock: Any) -> None:  # FLG 32
    make_flag(settings={"expires_at": NOW})
    asked(0)
    asked(0, on=False)

    assert found() == ["expired on 2026-11-01"]


def test_a_permanent_one_never_is() -> None:  # FLG 32
    make_flag(settings={"is_permanent": True, "expires_at": NOW - DAY})

    assert found() == []


def test_an_archived_one_never_is() -> None:
    make_flag()
    definitions.archive(name="lamp", author=AUTHOR, now=NOW)

    assert found() == []


def test_its_owner_is_told_once() -> None:  # FLG 32
    olga = make_user("olga@example.com", staff=True)
    make_flag(settings={"owner_id": olga.pk})
    make_flag("nobody's")

    told = [looking.look(now=NOW), looking.look(now=NOW + DAY), looking.look(now=NOW + 2 * DAY)]

    assert told == [1, 0, 0]
    [row] = Notification.objects.filter(user=olga, kind="flag.stale")
    assert row.metadata == {"flag": "lamp", "why": "Never asked about"}
    assert {each.flag.name for each in StaleFlag.objects.with_flag()} == {"lamp", "nobody's"}


def test_one_in_use_again_is_told_of_anew_when_it_is_forgotten_again() -> None:
    olga = make_user("olga@example.com", staff=True)
    make_flag(settings={"owner_id": olga.pk})
    looking.look(now=NOW)
    asked(0)

    assert looking.look(now=NOW) == 0
    assert not StaleFlag.objects.exists()
    assert looking.look(now=NOW + 31 * DAY) == 1


def test_an_owner_who_comes_later_is_told() -> None:
    flag = make_flag()
    looking.look(now=NOW)
    olga = make_user("olga@example.com", staff=True)
    Flag.objects.change(flag, owner_id=olga.pk)

    assert looking.look(now=NOW) == 1


def test_every_morning_somebody_looks() -> None:
    schedules = {made.name: schedule.cron for made, schedule in all_periodic()}

    assert schedules["flags.tasks:look_for_stale"] == "41 5 * * *"
    assert schedules["flags.tasks:settle_what_was_missed"] == "*/5 * * * *"


def test_before_there_is_any_flag() -> None:
    assert looking.look(now=NOW) == 0
    assert not FlagRules.objects.exists()
