# PLT 25: work lost with a killed worker is re-run; a poisonous job is parked.
import pytest

from core.jobs import liveness, repositories
from core.jobs.liveness import Liveness
from core.jobs.models import JobFailure
from core.jobs.outage import Outage
from core.jobs.records import NewJob, StoredJob
from core.jobs.rows import execute
from tests.core.jobs import queues


def defer(queueing_lock: str | None = None) -> int:
    new = NewJob(name="test:any", queue="default", arguments={}, queueing_lock=queueing_lock)
    return repositories.insert([new])[0]


def claim(worker_id: int) -> StoredJob:
    (stored,) = repositories.claim(queues=None, worker_id=worker_id)
    return stored


def silence(worker_id: int) -> None:
    execute(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'"
        " WHERE id = %(id)s",
        id=worker_id,
    )


@pytest.mark.django_db
def test_the_job_of_a_silent_worker_runs_again() -> None:
    worker_id = repositories.register_worker()
    job_id = defer()
    claim(worker_id)
    silence(worker_id)

    assert liveness.sweep() == 1

    assert queues.status(job_id) == "todo"
    assert queues.row(job_id)["attempts"] == 0
    assert JobFailure.objects.get(job_id=job_id).deaths == 1


@pytest.mark.django_db
def test_the_job_of_a_living_worker_is_left_alone() -> None:
    worker_id = repositories.register_worker()
    job_id = defer()
    claim(worker_id)

    assert liveness.sweep() == 0
    assert queues.status(job_id) == "doing"


@pytest.mark.django_db
def test_a_second_sweep_finds_nothing_more() -> None:
    worker_id = repositories.register_worker()
    defer()
    claim(worker_id)
    silence(worker_id)
    liveness.sweep()

    assert liveness.sweep() == 0


@pytest.mark.django_db
def test_the_third_death_parks_the_job_with_a_reason() -> None:
    job_id = defer()
    for _ in range(3):
        worker_id = repositories.register_worker()
        claim(worker_id)
        silence(worker_id)
        liveness.sweep()

    failure = JobFailure.objects.get(job_id=job_id)
    assert queues.status(job_id) == "failed"
    assert failure.parked_at is not None
    assert failure.reason == ("3 workers died while running it, so it was not given to another.")


@pytest.mark.django_db
def test_a_worker_taken_for_dead_can_not_end_the_job_of_another() -> None:
    slow, quick = repositories.register_worker(), repositories.register_worker()
    job_id = defer()
    held_by_slow = claim(slow)
    silence(slow)
    liveness.sweep()
    claim(quick)

    assert repositories.finish(held_by_slow, status="succeeded") is False
    assert queues.status(job_id) == "doing"


@pytest.mark.django_db
def test_an_interrupted_job_gives_way_to_a_waiting_twin() -> None:
    worker_id = repositories.register_worker()
    job_id = defer(queueing_lock="twins")
    claim(worker_id)
    twin_id = defer(queueing_lock="twins")
    silence(worker_id)

    liveness.sweep()

    assert queues.status(job_id) == "cancelled"
    assert queues.status(twin_id) == "todo"


@pytest.mark.django_db
def test_a_worker_others_gave_up_registers_anew() -> None:
    mine = Liveness(running=set, outage=Outage())
    mine.step()
    first = mine.worker_id
    assert first is not None
    repositories.forget_worker(worker_id=first)

    mine.step()

    assert mine.worker_id not in {first, None}


@pytest.mark.django_db
def test_a_claim_the_connection_kept_from_us_runs_again() -> None:
    mine = Liveness(running=set, outage=Outage())
    mine.step()
    assert mine.worker_id is not None
    job_id = defer()
    claim(mine.worker_id)

    mine.step()
    after_one_look = queues.status(job_id)
    mine.step()

    assert after_one_look == "doing"
    assert queues.status(job_id) == "todo"


@pytest.mark.django_db
def test_leaving_returns_running_jobs_without_counting_it_against_them() -> None:
    mine = Liveness(running=set, outage=Outage())
    mine.step()
    assert mine.worker_id is not None
    job_id = defer()
    claim(mine.worker_id)

    mine.leave()

    assert queues.status(job_id) == "todo"
    assert queues.row(job_id)["attempts"] == 0
    assert not JobFailure.objects.exists()
    assert repositories.heartbeat_age() is None


@pytest.mark.django_db
def test_nobody_is_called_dead_by_a_worker_that_has_just_come_back() -> None:
    # After an outage of PostgreSQL all heartbeats are old, and everybody lives.
    other = repositories.register_worker()
    job_id = defer()
    claim(other)
    silence(other)
    mine = Liveness(running=set, outage=Outage())

    mine.step()

    assert queues.status(job_id) == "doing"


@pytest.mark.django_db
def test_a_claim_of_many_keeps_to_order_locks_and_its_limit() -> None:
    worker_id = repositories.register_worker()
    new = [
        NewJob(name="test:any", queue="default", arguments={}, lock=lock, priority=priority)
        for lock, priority in (("a", 0), ("a", 0), (None, 0), (None, 9), (None, 0))
    ]
    ids = repositories.insert(new)

    first = repositories.claim(queues=None, worker_id=worker_id, limit=3)
    second = repositories.claim(queues=None, worker_id=worker_id, limit=3)

    assert [job.id for job in first] == [ids[3], ids[0], ids[2]]
    assert [job.id for job in second] == [ids[4]]
    assert repositories.claim(queues=None, worker_id=worker_id, limit=3) == []


@pytest.mark.django_db
def test_a_job_under_which_a_worker_died_is_the_last_of_a_claim() -> None:
    worker_id = repositories.register_worker()
    ids = [defer() for _ in range(3)]
    JobFailure.objects.add(job_id=ids[1], job_name="test:any", deaths=1)

    assert [len(repositories.claim(queues=None, worker_id=worker_id, limit=9)) for _ in "ab"] == [
        2,
        1,
    ]
