"""Changes that wait: they take effect to the second, once, and never on rules nobody saw."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

import flags
from accounts.models import User
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from flags import keeping, prunes, snapshots
from flags.errors import SegmentInUseError, VersionError
from flags.imports import unleash
from flags.models import Environment, FlagChange, FlagRules, PlannedChange
from flags.plans import settling
from flags.plans.errors import ApprovalNeededError
from flags.services import (
    definitions,
    environments,
    history,
    importing,
    keys,
    planning,
    rules,
    segments,
)
from flags.services.changes import Author, Source
from notifications.models import Notification
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, make_flag, share, state

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def olga(db: None) -> Author:
    return Author(make_user("olga@example.com", staff=True).pk, "Olga", Source.API)


@pytest.fixture
def hugo(db: None) -> Author:
    return Author(make_user("hugo@example.com", staff=True).pk, "Hugo", Source.API)


def plan(due_at: datetime | None = NOW + HOUR, **fields: Any) -> PlannedChange:
    given: dict[str, Any] = {"name": "lamp", "author": AUTHOR, "now": NOW, "enabled": False}
    return planning.plan(**{**given, "due_at": due_at, **fields})


def stored() -> FlagRules:
    return FlagRules.objects.get(flag__name="lamp", environment__name="production")


def latest() -> FlagChange:
    return FlagChange.objects.order_by("-created_at", "-id")[0]


def told(author: Author) -> list[str]:
    return list(Notification.objects.filter(user=author.id).values_list("kind", flat=True))


def test_it_takes_effect_to_the_second_without_any_worker(clock: Any) -> None:  # FLG 17
    make_flag()
    plan()

    seen = []
    for seconds in (3599, 3600):
        clock.move_to(NOW + timedelta(seconds=seconds))
        seen.append(flags.is_enabled("lamp"))

    assert seen == [True, False]
    assert stored().enabled  # nobody has touched the database


def test_it_takes_effect_while_the_database_is_away(
    clock: Any, tmp_path: Any, settings: Any
) -> None:
    """Also in a process that began with what the file held."""
    settings.FLAGS_SNAPSHOT = str(tmp_path / "flags.json")
    make_flag()
    plan()
    assert flags.is_enabled("lamp")
    snapshots.forget()
    kept = keeping.load("production")
    assert kept is not None
    snapshots.put(kept)

    clock.move_to(NOW + HOUR)

    held = snapshots.current("production")
    assert held is not None
    assert (held.is_stale, held.rules.is_enabled("lamp", {})) == (True, False)


def test_one_request_sees_one_version_though_a_moment_passes(clock: Any) -> None:  # FLG 25
    make_flag()
    plan()

    with flags.one_version():
        assert flags.is_enabled("lamp")
        clock.move_to(NOW + HOUR)
        assert flags.is_enabled("lamp")
    assert not flags.is_enabled("lamp")


def test_whoever_listens_is_told_when_it_takes_effect(clock: Any) -> None:
    make_flag()
    plan()
    heard: list[str] = []
    snapshots.refresh("production")
    snapshots.current("production")
    snapshots.watch(heard.append)
    try:
        clock.move_to(NOW + HOUR - timedelta(seconds=2))
        snapshots.keep_time("production")
        assert heard == []
        clock.move_to(NOW + HOUR)
        snapshots.keep_time("production")
        snapshots.keep_time("production")
    finally:
        snapshots._watchers.remove(heard.append)

    assert heard == ["production"]


def test_the_worker_makes_it_lasting_once(clock: Any) -> None:  # FLG 17, 29
    make_flag(strategies=[share("10")])
    made = plan(author=Author(None, "Olga", Source.API, "the launch"), strategies=[share("50")])
    before = Environment.objects.get().version
    later = NOW + 3 * HOUR

    assert [settling.settle(now=later), settling.settle(now=later)] == [1, 0]

    row, entry = stored(), latest()
    assert (row.enabled, row.strategies, row.version) == (False, [share("50")], 3)
    assert Environment.objects.get().version == before + 1
    assert (entry.action, entry.source, entry.actor_name) == ("rules_changed", "schedule", "Olga")
    assert (entry.created_at, entry.reason) == (NOW + HOUR, "the launch")
    assert (entry.before["strategies"], entry.after["strategies"]) == ([share("10")], [share("50")])
    made.refresh_from_db()
    assert (made.state, made.ended_at) == ("applied", later)


def test_a_job_waits_for_its_time(clock: Any) -> None:
    make_flag()
    plan()

    job = ProcrastinateJob.objects.get(task_name__endswith="settle_plans")
    assert (job.scheduled_at, job.args) == (NOW + HOUR, {"environment": "production"})


def test_whoever_edits_first_makes_it_lasting(clock: Any) -> None:  # FLG 17, 30
    make_flag(strategies=[share("10")])
    seen = stored().version
    plan()
    clock.move_to(NOW + 2 * HOUR)

    edit: dict[str, Any] = {"name": "lamp", "author": AUTHOR, "now": NOW + 2 * HOUR}
    with pytest.raises(VersionError):
        rules.change(**edit, expected_version=seen, strategies=[share("20")])
    rules.change(**edit, strategies=[share("20")])

    assert (stored().enabled, stored().strategies) == (False, [share("20")])
    assert [each.action for each in FlagChange.objects.order_by("-created_at", "-id")[:2]] == [
        "rules_changed", "rules_changed",
    ]  # fmt: skip
    assert PlannedChange.objects.get().state == "applied"


@pytest.mark.parametrize("meanwhile", ["change", "kill"])
def test_an_edit_meanwhile_makes_a_conflict_and_is_told(
    clock: Any, olga: Author, hugo: Author, meanwhile: str
) -> None:  # FLG 17
    make_flag(settings={"owner_id": hugo.id})
    plan(author=olga, due_at=NOW + HOUR, strategies=[share("1")])
    common: dict[str, Any] = {"name": "lamp", "author": AUTHOR, "now": NOW}
    if meanwhile == "kill":
        rules.kill(**common)
    else:
        rules.change(**common, variants=[{"name": "a", "weight": 1}])
    before = rules.state(stored())

    clock.move_to(NOW + HOUR)
    snapshots.refresh("production")
    assert flags.is_enabled("lamp") is (meanwhile == "change")
    settling.settle(now=NOW + HOUR)

    made = PlannedChange.objects.get()
    assert (made.state, made.why_ended[:22]) == ("conflict", "The rules were changed")
    assert rules.state(stored()) == before
    assert (latest().action, latest().source) == ("plan_refused", "schedule")
    assert told(olga) == told(hugo) == ["flag.plan_refused"]
    assert settling.settle(now=NOW + HOUR) == 0


def test_one_after_the_other_builds_on_it(clock: Any) -> None:
    make_flag(strategies=[share("10")])
    plan(enabled=True, strategies=[share("50")])
    plan(enabled=True, strategies=[share("100")], due_at=NOW + 2 * HOUR)
    snapshots.refresh("production")

    shown = []
    for hours in (0, 1, 2):
        clock.move_to(NOW + hours * HOUR)
        held = snapshots.current("production")
        assert held is not None
        shown.append(held.by_name["lamp"]["strategies"][0]["parameters"]["rollout"])

    assert shown == ["10", "50", "100"]
    settling.settle(now=NOW + HOUR)
    settling.settle(now=NOW + 2 * HOUR)
    assert stored().strategies == [share("100")]
    assert {each.state for each in PlannedChange.objects.all()} == {"applied"}


def test_one_planned_before_but_due_after_another_is_a_conflict(clock: Any) -> None:
    """Whoever planned it did not know what would hold by then."""
    make_flag()
    first = plan(strategies=[share("5")], due_at=NOW + 2 * HOUR)
    plan(strategies=[share("50")])
    clock.move_to(NOW + 2 * HOUR)
    snapshots.refresh("production")

    held = snapshots.current("production")
    assert held is not None
    assert held.by_name["lamp"]["strategies"] == [share("50")]
    settling.settle(now=NOW + 2 * HOUR)
    first.refresh_from_db()
    assert (first.state, stored().strategies) == ("conflict", [share("50")])


def test_a_kill_outlasts_what_is_planned_while_it_holds(clock: Any) -> None:  # FLG 19
    make_flag(enabled=False)
    rules.kill(name="lamp", author=AUTHOR, now=NOW)
    plan(enabled=True)
    clock.move_to(NOW + HOUR)

    snapshots.refresh("production")
    assert not flags.is_enabled("lamp")
    settling.settle(now=NOW + HOUR)
    assert stored().enabled
    assert not flags.is_enabled("lamp")
    rules.unkill(name="lamp", author=AUTHOR, now=NOW + HOUR)
    snapshots.refresh("production")
    assert flags.is_enabled("lamp")


def test_a_time_that_is_past(clock: Any) -> None:  # FLG 17
    make_flag()
    for due_at in (NOW, NOW - HOUR):
        with pytest.raises(InvalidError) as refused:
            plan(due_at=due_at)
        assert refused.value.problems[0].pointer == "/due_at"
    assert stored().enabled

    made = plan(due_at=NOW - HOUR, at_once_if_past=True)

    assert (made.state, stored().enabled) == ("applied", False)
    assert latest().created_at == NOW  # it held from now on, not since then


def test_the_repeated_hour_is_two_hours(clock: Any) -> None:  # FLG 17
    """In Berlin it was 02:30 twice on 25 October 2026; an offset says which one is meant."""
    clock.move_to(datetime(2026, 10, 24, tzinfo=UTC))
    make_flag()
    for offset, enabled in (("+02:00", False), ("+01:00", True)):
        due_at = datetime.fromisoformat(f"2026-10-25T02:30:00{offset}")
        plan(due_at=due_at, enabled=enabled, now=datetime(2026, 10, 24, tzinfo=UTC))
    snapshots.refresh("production")

    seen = []
    for at in ("00:29:59", "00:30:00", "01:29:59", "01:30:00"):
        clock.move_to(datetime.fromisoformat(f"2026-10-25T{at}+00:00"))
        seen.append(flags.is_enabled("lamp"))

    assert seen == [True, False, False, True]


def test_what_makes_no_sense_is_refused(clock: Any) -> None:
    make_flag()
    wrong: list[dict[str, Any]] = [
        {"due_at": None},
        {"strategies": [{"name": "mine"}]},
        {"starts_at": NOW, "ends_at": NOW},
    ]
    for fields in wrong:
        with pytest.raises(InvalidError):
            plan(**fields)
    with pytest.raises(InvalidError):
        planning.plan(name="lamp", author=AUTHOR, now=NOW, due_at=NOW + HOUR)
    with pytest.raises(VersionError):
        plan(expected_version=1)
    with pytest.raises(NotFoundError):
        plan(name="nothing")
    assert not PlannedChange.objects.exists()


def test_a_plan_is_taken_back(clock: Any) -> None:
    make_flag()
    made = plan()
    before = Environment.objects.get().version
    common: dict[str, Any] = {"plan_id": made.pk, "author": AUTHOR, "now": NOW}

    assert planning.cancel(**common).state == "cancelled"
    assert planning.cancel(**common).state == "cancelled"

    assert Environment.objects.get().version == before + 1
    clock.move_to(NOW + HOUR)
    snapshots.refresh("production")
    assert flags.is_enabled("lamp")
    assert settling.settle(now=NOW + HOUR) == 0
    with pytest.raises(NotFoundError):
        planning.cancel(plan_id=uuid4(), author=AUTHOR, now=NOW)
    done = plan(due_at=NOW - HOUR, at_once_if_past=True)
    with pytest.raises(ConflictError, match="applied"):
        planning.cancel(plan_id=done.pk, author=AUTHOR, now=NOW)


def test_what_ended_long_ago_is_thrown_away(clock: Any) -> None:
    make_flag()
    plan()
    ended = plan(due_at=NOW - HOUR, at_once_if_past=True)
    year = timedelta(days=365)

    assert prunes.prune_plans(NOW + year, False) == 0
    assert prunes.prune_plans(NOW + year + HOUR, True) == 1
    assert prunes.prune_plans(NOW + year + HOUR, False) == 1
    assert not PlannedChange.objects.filter(pk=ended.pk).exists()
    assert PlannedChange.objects.waiting().count() == 1


def test_an_archived_flag_is_left_alone(clock: Any, olga: Author) -> None:
    make_flag()
    plan(author=olga)
    definitions.archive(name="lamp", author=AUTHOR, now=NOW)

    settling.settle(now=NOW + HOUR)

    assert (PlannedChange.objects.get().state, stored().enabled) == ("conflict", True)
    assert told(olga) == ["flag.plan_refused"]


def test_moments_of_a_plan_come_back_as_moments(clock: Any) -> None:
    make_flag()
    plan(enabled=True, ends_at=NOW + 5 * HOUR)
    settling.settle(now=NOW + HOUR)

    assert stored().ends_at == NOW + 5 * HOUR


# -- Two people ------------------------------------------------------------------------------------
def two_people(author: Author = AUTHOR, *, demanded: bool = True) -> None:
    environments.demand_approval(name="production", demanded=demanded, author=author, now=NOW)


def test_changes_take_two_people_where_that_is_asked_for(olga: Author, hugo: Author) -> None:
    # FLG 34
    make_flag(strategies=[share("10")])
    two_people()
    common: dict[str, Any] = {"name": "lamp", "author": olga, "now": NOW}
    entry = FlagChange.objects.filter(action="rules_changed")[0]
    direct: list[Any] = [
        lambda: rules.change(**common, enabled=False),
        lambda: rules.switch(**common, enabled=False),
        lambda: rules.roll_out(**common, percentage="100"),
        lambda: history.revert(change_id=entry.pk, author=olga, now=NOW),
    ]
    for change in direct:
        with pytest.raises(ApprovalNeededError):
            change()
    made = plan(None, author=olga, strategies=[share("99")])
    decide: dict[str, Any] = {"plan_id": made.pk, "now": NOW}

    assert made.state == "proposed"
    assert told(hugo) == ["flag.approval_wanted"]
    assert told(olga) == []
    for author in (olga, AUTHOR):
        with pytest.raises(ForbiddenError):
            planning.approve(author=author, **decide)
    assert stored().strategies == [share("10")]

    assert planning.approve(author=hugo, **decide).state == "applied"
    assert (stored().strategies, stored().enabled) == ([share("99")], False)
    assert (latest().actor_name, latest().reason) == ("Olga", "approved by Hugo")
    assert told(olga) == ["flag.plan_decided"]
    with pytest.raises(ConflictError):
        planning.approve(author=hugo, **decide)


def test_a_kill_needs_nobody(olga: Author) -> None:  # FLG 34
    make_flag()
    two_people()

    rules.kill(name="lamp", author=olga, now=NOW)
    assert not stored().is_on
    rules.unkill(name="lamp", author=olga, now=NOW)
    assert stored().is_on


def test_what_was_edited_meanwhile_is_not_approved(olga: Author, hugo: Author) -> None:
    make_flag()
    two_people()
    first, second = plan(None, author=olga), plan(None, author=olga, strategies=[share("1")])
    planning.approve(plan_id=second.pk, author=hugo, now=NOW)

    assert planning.approve(plan_id=first.pk, author=hugo, now=NOW).state == "conflict"
    assert stored().strategies == [share("1")]
    assert "flag.plan_refused" in told(olga)


def test_approved_ahead_of_its_time_it_waits_for_it(clock: Any, olga: Author, hugo: Author) -> None:
    make_flag()
    two_people()
    made = plan(author=olga)
    clock.move_to(NOW + HOUR)
    snapshots.refresh("production")
    assert flags.is_enabled("lamp")  # nobody has approved
    assert settling.settle(now=NOW + HOUR) == 0
    clock.move_to(NOW)

    assert planning.approve(plan_id=made.pk, author=hugo, now=NOW).state == "scheduled"
    clock.move_to(NOW + HOUR)
    snapshots.refresh("production")
    assert not flags.is_enabled("lamp")


def test_a_rejected_change_is_over(olga: Author, hugo: Author) -> None:
    make_flag()
    two_people()
    made = plan(None, author=olga)
    author = Author(hugo.id, "Hugo", Source.API, "not today")

    done = planning.reject(plan_id=made.pk, author=author, now=NOW)

    assert (done.state, done.why_ended, stored().enabled) == ("rejected", "not today", True)
    with pytest.raises(ConflictError):
        planning.approve(plan_id=made.pk, author=hugo, now=NOW)
    assert told(olga) == ["flag.plan_decided"]


def test_whether_two_are_needed_stands_in_the_history(user: User) -> None:
    make_flag()
    two_people()
    two_people()

    entries = FlagChange.objects.filter(subject="environment")
    assert [(each.name, each.after) for each in entries] == [
        ("production", {"demands_approval": True})
    ]
    two_people(demanded=False)
    rules.change(name="lamp", author=AUTHOR, now=NOW, enabled=False)


def test_what_changes_answers_past_the_rules_takes_two_people_too(olga: Author) -> None:  # FLG 34
    rule = {"contextName": "userId", "operator": "IN", "values": ["alice"]}
    made = segments.create(name="s", constraints=[rule], author=AUTHOR, now=NOW)
    make_flag("other")
    make_flag(strategies=[{"name": "default", "segments": [made.pk]}])
    two_people()
    common: dict[str, Any] = {"author": olga, "now": NOW}
    imported = unleash.read(state({"name": "lamp", "enabled": True, "strategies": []}))
    direct: list[Any] = [
        lambda: segments.change(segment_id=made.pk, constraints=[], confirm=True, **common),
        lambda: definitions.archive(name="lamp", **common),
        lambda: definitions.change(name="lamp", dependencies=[{"feature": "other"}], **common),
        lambda: importing.run(imported=imported, **common),
    ]

    for change in direct:
        with pytest.raises(ApprovalNeededError):
            change()

    definitions.change(name="lamp", description="one is enough for words", **common)
    FlagRules.objects.filter(flag__name="lamp").update(enabled=False)
    definitions.archive(name="lamp", **common)


def test_a_segment_that_is_planned_for_stays() -> None:  # FLG 37
    made = segments.create(name="s", constraints=[], author=AUTHOR, now=NOW)
    make_flag()
    plan(strategies=[{"name": "default", "segments": [made.pk]}])

    with pytest.raises(SegmentInUseError, match="lamp"):
        segments.delete(segment_id=made.pk, author=AUTHOR, now=NOW)


# -- One environment into another ------------------------------------------------------------------
def copied(**more: Any) -> environments.Copied:
    given: dict[str, Any] = {"source": "production", "target": "staging", "author": AUTHOR}
    return environments.copy(**{**given, "now": NOW, **more})


def in_staging(name: str = "lamp") -> FlagRules:
    return FlagRules.objects.get(flag__name=name, environment__name="staging")


def test_a_copy_leaves_individual_targets_unless_asked(user: User) -> None:  # FLG 34, 20
    people = {"userId": ["alice"], "email": ["a@x.example"], "organization": ["acme"]}
    make_flag(strategies=[share("10")], allowed=people, denied={"userId": ["mallory"]})
    make_flag("same", enabled=False)
    keys.create(name="k", environment="staging", author=AUTHOR)
    FlagRules.objects.filter(environment__name="staging", flag__name="lamp").update(
        allowed={"userId": ["tester"]}, killed_at=NOW
    )
    before = Environment.objects.get(name="staging").version

    done = copied()

    assert (done.changed, done.planned, done.unchanged) == (["lamp"], [], 1)
    row = in_staging()
    assert (row.enabled, row.is_killed, row.strategies) == (True, True, [share("10")])
    assert row.allowed == {"userId": ["tester"], "organization": ["acme"]}
    assert row.denied == {}
    assert Environment.objects.get(name="staging").version == before + 1
    entry = FlagChange.objects.get(action="copied")
    assert (entry.environment_name, entry.after["copied_from"]) == ("staging", "production")
    assert copied().unchanged == 2
    assert Environment.objects.get(name="staging").version == before + 1

    copied(with_targets=True)
    assert (in_staging().allowed, in_staging().denied) == (people, {"userId": ["mallory"]})


def test_a_copy_makes_its_environment_and_names_what_is_wrong() -> None:
    make_flag()
    assert copied().environment_created
    assert in_staging().enabled
    with pytest.raises(NotFoundError):
        copied(source="nowhere")
    with pytest.raises(InvalidError):
        copied(source="staging")
    with pytest.raises(VersionError):
        copied(expected_version=0)


def test_a_copy_that_is_undone_bumps_nothing() -> None:  # FLG 20
    make_flag()
    copied()
    rules.change(name="lamp", author=AUTHOR, now=NOW, enabled=False)
    before = Environment.objects.get(name="staging").version

    with transaction.atomic():
        copied()
        transaction.set_rollback(True)

    assert Environment.objects.get(name="staging").version == before
    assert in_staging().enabled


def test_where_two_decide_a_copy_is_planned(olga: Author, hugo: Author) -> None:  # FLG 34
    make_flag()
    copied()
    rules.change(name="lamp", author=AUTHOR, now=NOW, environment="staging", enabled=False)
    two_people()

    done = copied(source="staging", target="production", author=olga)

    assert (done.planned, done.changed, stored().enabled) == (["lamp"], [], True)
    planning.approve(plan_id=PlannedChange.objects.get().pk, author=hugo, now=NOW)
    assert not stored().enabled
