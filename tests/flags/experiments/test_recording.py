"""Who saw what: noted where a flag is asked, without I/O, and written once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from structlog.testing import capture_logs
from time_machine import travel

import flags
from accounts.events import AccountDeleted
from accounts.models import User
from core import pruning
from core.events import publish
from flags import snapshots
from flags.experiments import counting, leaving, recording, services
from flags.models import Conversion, Experiment, ExperimentTally, Exposure
from organizations.models import Organization
from tests.flags.conftest import AUTHOR, make_flag, share
from tests.flags.experiments.conftest import begin, change, experiment, tallies

Queries = Callable[[int], Any]


def flushed() -> int:
    written = recording.flush()
    counting.count()
    return written


def arm_of(user: Any, **context: Any) -> str:
    found = flags.variant("button", user=user, **context).name
    assert found is not None
    return found


def visitors(count: int) -> list[str]:
    return [f"visitor {number}" for number in range(count)]


# -- One exposure ----------------------------------------------------------------------------------
def test_ten_thousand_questions_are_one_exposure(  # FLG 16
    user: User, django_assert_num_queries: Queries
) -> None:
    made = experiment()
    arm = arm_of(user)

    with django_assert_num_queries(0):
        for _ in range(10_000):
            assert arm_of(user) == arm
    with django_assert_num_queries(1):
        assert recording.flush() == 1
    arm_of(user)
    with django_assert_num_queries(0):
        assert recording.flush() == 0

    row = Exposure.objects.get()
    assert (row.experiment, row.subject, row.variant) == (made, str(user.pk), arm)


def test_another_process_that_saw_the_same_adds_nothing(user: User) -> None:  # FLG 16
    experiment()
    for _ in range(2):
        arm_of(user)
        flushed()
        recording.forget()  # as a process knows nothing that begins

    assert Exposure.objects.count() == 1
    assert ExperimentTally.objects.get().count == 1


def test_without_an_experiment_nothing_is_noted(user: User) -> None:
    make_flag("button", variants=[{"name": "a", "weight": 1}, {"name": "b", "weight": 1}])
    make_flag("lamp")
    begin()

    flags.is_enabled("lamp", user=user)
    flags.is_enabled("button", user=user)  # shows none of the variants that are compared

    assert flushed() == 0


def test_an_experiment_that_is_over_notes_nothing(user: User, stranger: User) -> None:
    made = experiment(ends_at=timezone.now() + timedelta(days=1))
    arm_of(user)
    flushed()

    with travel(timezone.now() + timedelta(days=2)):
        arm_of(stranger)
    assert flushed() == 0
    services.stop(experiment_id=made.pk, author=AUTHOR, now=timezone.now())
    arm_of(stranger)
    assert flushed() == 0


def test_what_a_killed_or_broken_flag_gives_is_no_exposure(  # FLG 16
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment()

    change(enabled=False)
    assert flags.variant("button", user=user, default="buy").name == "buy"
    change(enabled=True, denied={"userId": [str(user.pk)]})
    assert flags.variant("button", user=user, default="buy").name == "buy"
    assert flags.variant("nothing", user=user, default="buy").name == "buy"
    monkeypatch.setattr("flags.asking.fields.context_of", lambda *_, **__: 1 / 0)
    assert flags.variant("button", user=user, default="buy").name == "buy"
    monkeypatch.undo()
    snapshots.forget()
    monkeypatch.setattr("flags.snapshots.load", lambda environment: None)
    assert flags.variant("button", user=user, default="buy").name == "buy"  # no rules are known

    assert flushed() == 0


def test_a_test_that_decides_a_flag_is_no_exposure(user: User) -> None:
    experiment()

    with flags.flag_override("button", True, variant="buy"):
        arm_of(user)

    assert flushed() == 0


def test_what_goes_wrong_with_noting_costs_nobody_an_answer(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # FLG 16
    experiment()
    arm = arm_of(user)
    recording.forget()
    monkeypatch.setattr(recording, "_wait", lambda *_: 1 / 0)

    with capture_logs() as logs:
        assert [arm_of(user) for _ in range(3)] == [arm] * 3
        flags.track("bought", user=user)

    told = [line["event"] for line in logs]
    assert told == ["flags.exposure_failed", "flags.evaluation_failed"]


# -- Who was dealt ---------------------------------------------------------------------------------
def test_who_has_a_variant_by_name_takes_no_part(user: User, stranger: User) -> None:
    named = {"contextName": "userId", "values": [str(user.pk)]}
    variants = [
        {"name": "buy", "weight": 1, "overrides": [named]}, {"name": "order", "weight": 1},
    ]  # fmt: skip
    make_flag("button", variants=variants)
    begin()

    arm_of(user)
    arm_of(stranger)

    assert flushed() == 1
    assert Exposure.objects.get().subject == str(stranger.pk)


def test_a_percentage_compares_those_with_and_without_the_flag(db: None) -> None:
    make_flag("lamp", strategies=[share("30")])
    made = begin("lamp")
    assert made.weights == {"on": 30, "off": 70}

    on = {each: flags.is_enabled("lamp", sessionId=each) for each in visitors(400)}
    flushed()

    expected = {("on", ""): sum(on.values()), ("off", ""): 400 - sum(on.values())}
    assert tallies(made) == expected
    assert 80 < expected["on", ""] < 160


def test_who_is_no_part_of_the_percentage_is_compared_with_nobody(user: User) -> None:
    """Else all who are left out would be taken for the control."""
    of_us = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    make_flag("lamp", strategies=[share("50", constraints=[of_us])], allowed={"userId": ["vip"]})
    made = begin("lamp")

    for each in visitors(20):
        flags.is_enabled("lamp", sessionId=each, plan="free")
        flags.is_enabled("lamp", sessionId=each)
    flags.is_enabled("lamp", userId="vip", plan="pro")
    assert flushed() == 0
    for each in visitors(20):
        flags.is_enabled("lamp", sessionId=each, plan="pro")
    flushed()

    assert sum(tallies(made).values()) == 20


def test_an_organization_is_one_subject(
    user: User, stranger: User, acme: Organization, globex: Organization
) -> None:  # FLG 6
    by_organization = share("50")
    by_organization["parameters"]["stickiness"] = "organization"
    make_flag("lamp", strategies=[by_organization])
    begin("lamp")

    for person in (user, stranger):
        for organization in (acme, globex):
            flags.is_enabled("lamp", user=person, organization=organization)
        flags.is_enabled("lamp", user=person)  # of none: nothing to go by
    flushed()

    assert {row.subject for row in Exposure.objects.all()} == {str(acme.pk), str(globex.pk)}


def test_long_and_odd_subjects_are_kept_as_digests(db: None) -> None:
    experiment()
    odd = ["x" * 5_000, "nul\0", "\ud800", "ümlaut", " " * 65]

    for each in [*odd, *odd]:
        flags.variant("button", sessionId=each)
    assert flushed() == 5

    assert all(len(row.subject) == 64 for row in Exposure.objects.all())


# -- Two variants ----------------------------------------------------------------------------------
def test_a_subject_that_saw_two_variants_counts_for_none(user: User) -> None:
    made = experiment()
    first = arm_of(user)
    flags.track("bought", user=user)
    flushed()
    assert tallies(made) == {(first, ""): 1, (first, "bought"): 1}

    other = "order" if first == "buy" else "buy"
    change(variants=[{"name": other, "weight": 1}])
    assert arm_of(user) == other
    flags.track("bought", user=user)
    flushed()

    assert tallies(made) == {("", ""): 1}
    assert (Exposure.objects.get().variant, Exposure.objects.get().is_mixed) == (first, True)


def test_two_variants_within_one_batch_are_found_as_well(user: User) -> None:
    made = experiment()
    first = arm_of(user)
    other = "order" if first == "buy" else "buy"
    change(variants=[{"name": other, "weight": 1}])
    arm_of(user)
    flushed()

    assert tallies(made) == {("", ""): 1}


# -- Goals -----------------------------------------------------------------------------------------
def test_a_goal_counts_once_for_each_subject(user: User, stranger: User) -> None:
    made = experiment(goals=("bought", "came back"))
    arm = arm_of(user)
    for _ in range(3):
        flags.track("bought", user=user)
        flags.track("unheard of", user=user)
        flushed()
    flags.track("bought", user=stranger)  # who saw nothing
    flushed()

    assert tallies(made) == {(arm, ""): 1, (arm, "bought"): 1}


async def test_coroutines_tell_of_goals_too() -> None:
    await flags.atrack("bought", user=None)


def test_a_goal_counts_after_the_exposure_alone(user: User) -> None:
    made = experiment()
    flags.track("bought", user=user)
    flushed()
    arm = arm_of(user)
    flushed()
    assert tallies(made) == {(arm, ""): 1}

    flags.track("bought", user=user)
    flushed()
    assert tallies(made) == {(arm, ""): 1, (arm, "bought"): 1}


def test_a_goal_counts_within_its_days_alone(user: User, stranger: User) -> None:
    now = timezone.now()
    made = experiment(goal_window_days=7)
    arms = [arm_of(each) for each in (user, stranger)]
    flushed()

    with travel(now + timedelta(days=6, hours=23)):
        flags.track("bought", user=user)
    with travel(now + timedelta(days=7, seconds=1)):
        flags.track("bought", user=stranger)
    flushed()

    assert tallies(made)[arms[0], "bought"] == 1
    assert sum(count for (_, goal), count in tallies(made).items() if goal) == 1


def test_an_exposure_that_is_written_late_finds_its_goal(user: User) -> None:
    """Another process has the one in its memory, and this one the other."""
    made = experiment()
    arm = arm_of(user)
    held, recording._exposures = recording._exposures, {}
    flags.track("bought", user=user)
    flushed()
    assert tallies(made) == {}

    recording._exposures = held
    flushed()

    assert tallies(made) == {(arm, ""): 1, (arm, "bought"): 1}


# -- What is away ----------------------------------------------------------------------------------
def test_with_the_database_away_exposures_wait(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # FLG 16
    made = experiment()
    arm = arm_of(user)

    class Away:
        def __call__(self, execute: Any, sql: str, *args: Any) -> Any:
            raise OperationalError("the server is away")

    with connection.execute_wrapper(Away()), capture_logs() as logs:
        assert arm_of(user) == arm
        flags.track("bought", user=user)
        counting.write_and_count()
        assert arm_of(user) == arm
    assert {line["event"] for line in logs} == {
        "flags.exposures_not_written", "flags.experiments_not_counted",
    }  # fmt: skip

    counting.write_and_count()
    assert tallies(made) == {(arm, ""): 1, (arm, "bought"): 1}


def test_what_finds_no_room_is_counted_and_told(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # FLG 16
    experiment()
    monkeypatch.setattr(recording, "MOST_WAITING", 10)
    monkeypatch.setattr(recording, "BATCH", 4)

    for each in visitors(25):
        flags.variant("button", sessionId=each)
    with capture_logs() as logs:
        assert flushed() == 10

    assert [(line["event"], line["count"]) for line in logs] == [("flags.exposures_dropped", 15)]
    for each in visitors(25)[:20]:
        flags.variant("button", sessionId=each)
    assert flushed() == 10  # who was dropped is noted the next time


def test_a_row_that_the_database_refuses_holds_no_other_up(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment()
    recording._exposures["no id", "subject", "buy"] = timezone.now()
    with capture_logs() as logs, transaction.atomic():  # the thread has no transaction around it
        recording.flush()
        transaction.set_rollback(True)
    assert "flags.exposures_refused" in {line["event"] for line in logs}

    arm_of(user)
    assert flushed() == 1


def test_an_experiment_that_is_gone_takes_nothing(user: User) -> None:
    experiment()
    arm_of(user)
    Experiment.objects.all().delete()

    assert flushed() == 0


# -- Counting --------------------------------------------------------------------------------------
def test_tallies_are_what_the_rows_say(db: None) -> None:
    """Also when they are counted in small pieces, in between, and again."""
    made = experiment()
    arms = {}
    for number, each in enumerate(visitors(60)):
        arms[each] = arm_of(None, sessionId=each)
        if number % 3 == 0:
            flags.track("bought", sessionId=each)
        if number % 20 == 0:
            recording.flush()
            counting.count_some(7)
    recording.flush()
    while counting.count_some(7):
        pass
    assert counting.count_some(7) == 0

    found = tallies(made)
    for arm in ("buy", "order"):
        mine = [each for each in visitors(60) if arms[each] == arm]
        assert found[arm, ""] == len(mine)
        assert found[arm, "bought"] == sum(int(each.split()[1]) % 3 == 0 for each in mine)


def test_tallies_are_of_days(user: User, stranger: User) -> None:
    with travel(datetime(2026, 3, 1, 23, 59, tzinfo=UTC)):
        experiment()
        arm_of(user)
    with travel(datetime(2026, 3, 2, 0, 1, tzinfo=UTC)):
        arm_of(stranger)
    flushed()

    assert [row.day.isoformat() for row in ExperimentTally.objects.order_by("day")] == [
        "2026-03-01", "2026-03-02",
    ]  # fmt: skip


# -- What goes -------------------------------------------------------------------------------------
def test_who_deletes_their_account_is_forgotten_and_the_result_stays(
    user: User, stranger: User
) -> None:
    made = experiment()
    for each in (user, stranger):
        arm_of(each)
        flags.track("bought", user=each)
    flushed()
    before = tallies(made)

    publish(AccountDeleted(user_id=user.pk))

    for model in (Exposure, Conversion):
        assert [row.subject for row in model._default_manager.all()] == [str(stranger.pk)]
    assert tallies(made) == before


def test_subjects_of_old_experiments_are_thrown_away(user: User, stranger: User) -> None:
    made = experiment()
    arm_of(user)
    flags.track("bought", user=user)
    flushed()
    services.stop(experiment_id=made.pk, author=AUTHOR, now=timezone.now())
    begin()
    arm_of(user)
    flags.track("bought", user=user)
    flags.track("bought", user=stranger)  # who is in no experiment
    flushed()
    before = tallies(made)
    later = timezone.now() + leaving.KEPT_FOR + timedelta(hours=1)

    told = pruning.run(now=later, dry_run=True)
    assert (told["exposures of experiments"], told["goals of experiments"]) == (1, 2)
    assert Exposure.objects.count() == 2
    told = pruning.run(now=later)
    assert (told["exposures of experiments"], told["goals of experiments"]) == (1, 2)

    assert Exposure.objects.exclude(experiment=made).count() == Exposure.objects.count() == 1
    assert Conversion.objects.get().subject == str(user.pk)
    assert tallies(made) == before
