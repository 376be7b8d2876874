# PLT 25: jobs exist exactly when the change that asked for them does.
from datetime import timedelta
from uuid import uuid4

import pytest
import structlog
from django.db import transaction
from django.utils import timezone

from core.jobs import job, registry
from core.jobs.runner import work_off
from tests.core.jobs import queues

seen: list[str] = []


@job()
def collect(*, text: str, count: int = 1) -> None:
    seen.extend([text] * count)


@job(queueing_lock="test:lonely")
def lonely() -> None:
    pass


@job()
def boom() -> None:
    raise ValueError("boom")


@pytest.fixture(autouse=True)
def _forget() -> None:
    seen.clear()


def test_the_stored_name_is_module_and_function() -> None:
    assert collect.name == f"{__name__}:collect"
    assert registry.find(collect.name) is collect


def test_a_job_can_still_be_called_like_a_function() -> None:
    collect(text="now")

    assert seen == ["now"]


@pytest.mark.django_db
def test_a_deferred_job_runs_later_with_its_arguments() -> None:
    collect.defer(text="later", count=2)

    assert seen == []
    assert work_off() == 1
    assert seen == ["later", "later"]
    assert work_off() == 0


@pytest.mark.usefixtures("queue")
def test_a_rolled_back_change_leaves_no_job() -> None:
    with transaction.atomic():
        collect.defer(text="never")
        transaction.set_rollback(True)

    assert queues.total() == 0


@pytest.mark.usefixtures("queue")
def test_a_committed_change_leaves_its_job() -> None:
    with transaction.atomic():
        job_id = collect.defer(text="surely")

    assert queues.status(job_id) == "todo"


@pytest.mark.django_db
def test_many_calls_are_stored_in_one_go_and_in_order() -> None:
    ids = collect.defer_many([{"text": str(number)} for number in range(1500)])

    assert len(set(ids)) == 1500
    assert ids == sorted(ids)
    assert queues.row(ids[-1])["args"] == '{"text": "1499"}'


@pytest.mark.django_db
def test_one_bad_call_among_many_stores_none() -> None:
    with pytest.raises(TypeError):
        collect.defer_many([{"text": "fine"}, {"wrong": 1}])

    assert queues.total() == 0


@pytest.mark.django_db
def test_an_argument_that_no_json_scalar_can_hold_is_refused_where_it_is_given() -> None:
    with pytest.raises(TypeError, match="text must be a JSON scalar or a list of them, not UUID"):
        collect.defer(text=uuid4())  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.django_db
def test_an_argument_the_function_does_not_know_is_refused_where_it_is_given() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        collect.defer(text="x", colour="red")  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.django_db
def test_two_with_the_same_queueing_lock_never_wait_together() -> None:
    first = lonely.defer()
    second = lonely.defer()

    assert first is not None
    assert second is None
    assert queues.total() == 1


@pytest.mark.django_db
def test_a_taken_queueing_lock_does_not_spoil_the_callers_transaction() -> None:
    lonely.defer()

    with transaction.atomic():
        lonely.defer()
        job_id = collect.defer(text="still works")

    assert queues.status(job_id) == "todo"


@pytest.mark.django_db
def test_a_job_of_the_future_waits_for_its_moment() -> None:
    collect.with_options(schedule_at=timezone.now() + timedelta(hours=1)).defer(text="then")

    assert work_off() == 0


@pytest.mark.django_db
def test_the_second_with_the_same_lock_waits_while_the_first_waits_for_its_retry() -> None:
    # PLT 16: order is kept per lock.
    boom.with_options(lock="test:one").defer()
    collect.with_options(lock="test:one").defer(text="second")

    work_off()

    assert seen == []


@pytest.mark.django_db
def test_the_higher_priority_runs_first() -> None:
    collect.defer(text="ordinary")
    collect.with_options(priority=5).defer(text="urgent")

    work_off()

    assert seen == ["urgent", "ordinary"]


@pytest.mark.django_db
def test_only_the_named_queues_are_worked() -> None:
    collect.with_options(queue="mail").defer(text="mail")
    collect.defer(text="default")

    assert work_off(queues=["mail"]) == 1
    assert seen == ["mail"]


@pytest.mark.django_db
def test_the_request_id_travels_with_the_job() -> None:
    found: list[object] = []

    @job(name="test:context")
    def look() -> None:
        found.append(structlog.contextvars.get_contextvars())

    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        job_id = look.defer()
    work_off()

    assert found == [{"request_id": "req-1", "job_id": job_id, "job": "test:context", "attempt": 1}]


def test_two_functions_can_not_share_a_name() -> None:
    with pytest.raises(ValueError, match="Two jobs are called"):
        job(name=collect.name)(lambda: None)


@pytest.mark.django_db
def test_an_old_name_still_finds_the_renamed_job() -> None:
    job(name="test:new", aliases=["test:old"])(collect.function)
    registry.Job(function=collect.function, name="test:old").defer(text="from last release")

    work_off()

    assert seen == ["from last release"]
