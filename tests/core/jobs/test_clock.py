# PLT 25: at most one for periodic.
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.jobs import registry
from core.jobs.clock import Clock, last_tick, next_tick, queue_tick
from core.jobs.outage import Outage
from core.jobs.registry import Job, Periodic
from core.jobs.rows import select
from core.jobs.runner import work_off
from tests.core.jobs import queues

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def nothing() -> None:
    pass


def make(name: str = "test:tick") -> Job[Any]:
    return Job(function=nothing, name=name, lock=name, queueing_lock=name)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Periodic], Job[Any]]:
    """Make one job the only periodic one."""

    def use(schedule: Periodic) -> Job[Any]:
        made = Job(function=nothing, name="test:only", periodic=schedule)
        monkeypatch.setattr(registry, "_jobs", {made.name: made})
        return made

    return use


def test_a_tick_is_due_from_its_very_moment() -> None:
    assert last_tick("0 12 * * *", now=NOON) == NOON
    assert last_tick("0 12 * * *", now=NOON - timedelta(microseconds=1)) == NOON - timedelta(days=1)
    assert next_tick("0 12 * * *", now=NOON) == NOON + timedelta(days=1)


@pytest.mark.django_db
def test_a_tick_has_one_job_however_many_workers_ask() -> None:
    first = queue_tick(make(), tick=NOON)
    work_off()

    assert first is not None
    assert queue_tick(make(), tick=NOON) is None
    assert queues.total() == 1


@pytest.mark.django_db
def test_an_older_tick_that_comes_late_has_no_job() -> None:
    queue_tick(make(), tick=NOON + timedelta(minutes=5))
    work_off()

    assert queue_tick(make(), tick=NOON) is None
    assert queues.total() == 1


@pytest.mark.django_db
def test_a_tick_is_skipped_while_its_forerunner_still_waits() -> None:
    queue_tick(make(), tick=NOON)

    assert queue_tick(make(), tick=NOON + timedelta(minutes=5)) is None
    assert queues.total() == 1


@pytest.mark.django_db
def test_the_clock_queues_a_tick_once(only: Callable[[Periodic], Job[Any]]) -> None:
    only(Periodic(cron="*/5 * * * *", catch_up=timedelta(minutes=10)))
    clock, of_another_worker = Clock(outage=Outage()), Clock(outage=Outage())

    with time_machine.travel(NOON + timedelta(seconds=1), tick=False):
        pause = clock.step()
        clock.step()
        of_another_worker.step()

    assert queues.total() == 1
    assert pause == 30.0


@pytest.mark.django_db
def test_the_next_tick_has_its_own_job(only: Callable[[Periodic], Job[Any]]) -> None:
    only(Periodic(cron="*/5 * * * *", catch_up=timedelta(minutes=10)))
    clock = Clock(outage=Outage())

    for minutes in (0, 4, 5):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False):
            clock.step()

    assert queues.total() == 2
    stamps = select("SELECT defer_timestamp AS at FROM procrastinate_periodic_defers")
    assert stamps == [{"at": int((NOON + timedelta(minutes=5)).timestamp())}]


@pytest.mark.django_db
def test_a_missed_tick_is_made_good_only_for_a_while(
    only: Callable[[Periodic], Job[Any]],
) -> None:
    only(Periodic(cron="0 12 * * *", catch_up=timedelta(minutes=10)))

    with time_machine.travel(NOON + timedelta(minutes=11), tick=False):
        Clock(outage=Outage()).step()
    too_late = queues.total()
    with time_machine.travel(NOON + timedelta(minutes=9), tick=False):
        Clock(outage=Outage()).step()

    assert too_late == 0
    assert queues.total() == 1
