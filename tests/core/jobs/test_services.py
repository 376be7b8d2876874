from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from core.errors import ConflictError, NotFoundError
from core.jobs import repositories, services
from core.jobs.models import JobFailure
from core.jobs.records import NewJob
from core.jobs.rows import execute
from tests.core.jobs import queues


def make(status: str, *, ended: datetime | None = None, queueing_lock: str | None = None) -> int:
    """Store a job that was made and ended at a given time."""
    new = NewJob(
        name="test:any",
        queue="default",
        arguments={"user_id": "7", "password": "hunter2"},
        queueing_lock=queueing_lock,
    )
    (job_id,) = repositories.insert([new])
    worker_id = repositories.register_worker()
    if status != "todo":
        (stored,) = repositories.claim(queues=None, worker_id=worker_id)
        if status != "doing":
            repositories.finish(stored, status=status)
        if status == "failed":
            JobFailure.objects.remember(stored, reason="It failed.", parked_at=timezone.now())
    if ended:
        execute(
            "UPDATE procrastinate_events SET at = %(at)s WHERE job_id = %(id)s", at=ended, id=job_id
        )
    return job_id


def ago(**length: int) -> datetime:
    return timezone.now() - timedelta(**length)


@pytest.mark.django_db
def test_the_overview_shows_the_newest_first_and_hides_secrets() -> None:
    make("succeeded")
    failed_id = make("failed")

    shown = services.overview(status=None, queue=None, limit=10)

    assert [job["status"] for job in shown] == ["failed", "succeeded"]
    assert shown[0]["id"] == failed_id
    assert shown[0]["arguments"] == {"user_id": "7", "password": "[redacted]"}
    assert shown[0]["reason"] == "It failed."


@pytest.mark.django_db
def test_the_overview_can_be_narrowed() -> None:
    make("succeeded")
    make("todo")

    assert len(services.overview(status="todo", queue="default", limit=10)) == 1
    assert services.overview(status="todo", queue="mail", limit=10) == []
    assert len(services.overview(status=None, queue=None, limit=1)) == 1


@pytest.mark.django_db
def test_a_retried_job_begins_with_all_its_attempts() -> None:
    job_id = make("failed")

    assert services.retry(ids=[job_id]) == [job_id]

    assert queues.status(job_id) == "todo"
    assert queues.row(job_id)["attempts"] == 0
    assert not JobFailure.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_retries_nothing() -> None:
    job_id = make("failed")

    assert services.retry(ids=None, dry_run=True) == [job_id]
    assert queues.status(job_id) == "failed"


@pytest.mark.django_db
def test_one_wrong_id_retries_none() -> None:
    job_id, done = make("failed"), make("succeeded")

    with pytest.raises(NotFoundError, match=f"No failed job has the id {done}"):
        services.retry(ids=[job_id, done])

    assert queues.status(job_id) == "failed"


@pytest.mark.django_db
def test_a_job_whose_twin_waits_is_not_retried() -> None:
    job_id = make("failed", queueing_lock="twins")
    make("todo", queueing_lock="twins")

    with pytest.raises(ConflictError):
        services.retry(ids=[job_id])

    assert services.retry(ids=None) == []
    assert queues.status(job_id) == "failed"


@pytest.mark.django_db
def test_a_purge_takes_what_ended_long_ago_and_nothing_else() -> None:
    old = make("succeeded", ended=ago(days=8))
    old_failure = make("failed", ended=ago(days=31))
    kept = [
        make("failed", ended=ago(days=29)),
        make("doing", ended=ago(days=40)),
        make("succeeded", ended=ago(days=6)),
        make("todo"),
    ]

    purged = services.purge(timezone.now(), False)

    left = {job["id"] for job in services.overview(status=None, queue=None, limit=10)}
    assert purged == 2
    assert left == set(kept)
    assert not JobFailure.objects.of_jobs([old, old_failure]).exists()
    assert services.purge(timezone.now(), False) == 0


@pytest.mark.django_db
def test_a_dry_purge_counts_and_takes_nothing() -> None:
    make("succeeded", ended=ago(days=8))

    assert services.purge(timezone.now(), True) == 1
    assert queues.total() == 1


@pytest.mark.django_db
def test_a_purge_goes_on_over_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 2)
    for _ in range(5):
        make("succeeded", ended=ago(days=8))
    make("succeeded")

    assert services.purge(timezone.now(), False) == 5
    assert queues.total() == 1
