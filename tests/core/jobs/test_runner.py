# PLT 25: retries with back-off, then parked with a reason.
import sys
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from core.jobs import job
from core.jobs.models import JobFailure
from core.jobs.records import NewJob
from core.jobs.repositories import insert
from core.jobs.rows import execute
from core.jobs.runner import work_off
from core.jobs.timing import retry_delay_seconds
from tests.core.jobs import queues

attempts: list[int] = []


@job(retries=2)
def flaky(*, successes_at: int, password: str = "") -> None:
    attempts.append(1)
    if len(attempts) < successes_at:
        raise RuntimeError(f"not yet, api_key={'k' * 8} \0 \ud800")


@job(retries=0)
def exits() -> None:
    sys.exit(3)


@job(retries=0)
async def counts() -> None:
    attempts.append(await ContentType.objects.acount())


@job(retries=0)
def breaks_its_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    raise ValueError


@pytest.fixture(autouse=True)
def _forget() -> None:
    attempts.clear()


def come_due() -> None:
    execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


@pytest.mark.django_db
def test_a_failed_job_waits_for_its_retry_and_its_error_is_kept() -> None:
    before = timezone.now()
    job_id = flaky.defer(successes_at=2)

    work_off()

    row = queues.row(job_id)
    failure = queues.failure(job_id)
    assert row["status"] == "todo"
    assert row["attempts"] == 1
    assert 3.9 < (row["scheduled_at"] - before).total_seconds() < 60
    assert failure.error_class == "RuntimeError"
    assert failure.error_message == "not yet, api_key=[redacted] ? ?"
    assert failure.parked_at is None


@pytest.mark.django_db
def test_a_retry_that_works_leaves_no_trace_of_the_failure() -> None:
    job_id = flaky.defer(successes_at=2)
    work_off()
    come_due()

    work_off()

    assert queues.status(job_id) == "succeeded"
    assert not JobFailure.objects.exists()


@pytest.mark.django_db
def test_the_last_failure_parks_the_job_with_a_reason() -> None:
    job_id = flaky.defer(successes_at=99)
    for _ in range(4):
        work_off()
        come_due()

    failure = queues.failure(job_id)
    assert len(attempts) == 3
    assert queues.status(job_id) == "failed"
    assert failure.parked_at is not None
    assert failure.reason == (
        "It failed 3 times, the last time with RuntimeError: not yet, api_key=[redacted] ? ?"
    )


@pytest.mark.django_db
def test_a_job_that_ends_its_process_politely_has_only_failed() -> None:
    job_id = exits.defer()

    work_off()

    assert queues.status(job_id) == "failed"
    assert queues.failure(job_id).reason == "It failed with SystemExit: 3"


@pytest.mark.django_db
def test_a_name_nobody_knows_waits_for_the_release_that_does() -> None:
    (job_id,) = insert([NewJob(name="of.next.week:job", queue="default", arguments={})])

    work_off()

    assert queues.status(job_id) == "todo"
    assert queues.failure(job_id).error_class == "UnknownJobError"


@pytest.mark.usefixtures("queue")
def test_a_coroutine_is_a_job_too() -> None:
    job_id = counts.defer()

    work_off()

    assert queues.status(job_id) == "succeeded"
    assert attempts == [ContentType.objects.count()]


def test_retries_come_later_and_later_up_to_an_hour() -> None:
    delays = [retry_delay_seconds(attempts=attempts) for attempts in (1, 2, 3, 11, 1000)]

    bounds = [(4, 5), (8, 10), (16, 20), (2880, 3600), (2880, 3600)]
    assert all(low <= delay <= high for delay, (low, high) in zip(delays, bounds, strict=True))


@pytest.mark.django_db
def test_a_secret_argument_is_in_no_log(capfd: Any) -> None:
    from core.logging import flush

    attempts.extend([1, 1])
    job_id = flaky.defer(successes_at=99, password="hunter2hunter2")
    execute("UPDATE procrastinate_jobs SET attempts = 2 WHERE id = %(id)s", id=job_id)
    work_off()
    flush()

    written = capfd.readouterr().out
    assert queues.status(job_id) == "failed"
    assert "hunter2hunter2" not in written
