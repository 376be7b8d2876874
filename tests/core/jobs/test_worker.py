"""Real workers, killed in every way we know. What they log is awaited, never a length of time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import structlog
from psycopg.types.json import Jsonb

from core.embedded.services import Services
from core.jobs.models import JobFailure
from core.jobs.records import NewJob
from core.jobs.repositories import insert
from core.lifecycle import PARENT_VARIABLE
from tests.core.jobs import queues
from tests.core.jobs.processes import PATIENCE_SECONDS, ROOT, Journal, WorkerProcess, environment
from tests.core.jobs.sample import tasks as sample

HOLD = "tests.core.jobs.sample.tasks:hold"
NOTE = "tests.core.jobs.sample.tasks:note"
TICK = "tests.core.jobs.sample.tasks:tick"

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("queue")]


def worker(*arguments: str, journal: Journal | None = None, **jobs: float) -> WorkerProcess:
    url = queues.database_url()
    return WorkerProcess(*arguments, database_url=url, journal=journal, **jobs)


def defer(name: str, **arguments: str | float) -> int:
    """Defer by name, as another release or the command line does."""
    return insert([NewJob(name=name, queue="default", arguments=dict(arguments))])[0]


def test_a_job_starts_on_notice_and_in_its_own_context() -> None:
    # PLT 20: the request id crosses from HTTP to the job. Polling is out of the question here.
    with worker(poll=600) as process:
        process.logged("job.tick_queued")  # it listens by now, or hears of the next tick
        with structlog.contextvars.bound_contextvars(request_id="req-7"):
            job_id = sample.note.defer(text="hello")

        line = process.logged("sample.noted", text="hello")

    assert line["request_id"] == "req-7"
    assert line["job_id"] == job_id
    assert line["job"] == NOTE
    assert line["attempt"] == 1


def test_a_coroutine_runs_in_a_worker() -> None:
    job_id = sample.count_types.defer()
    with worker() as process:
        process.logged("sample.counted", job_id=job_id)
        process.logged("job.succeeded", job_id=job_id)

    assert queues.status(job_id) == "succeeded"


def test_a_slow_job_blocks_nobody(tmp_path: Path) -> None:
    slow = defer(HOLD, path=str(tmp_path / "go"))
    with worker("--concurrency", "2") as process:
        process.logged("sample.holding", job_id=slow)
        quick = defer(NOTE, text="quick")
        process.logged("job.succeeded", job_id=quick)

        assert queues.status(slow) == "doing"


def test_a_worker_of_one_queue_leaves_the_others_alone() -> None:
    ordinary = defer(NOTE, text="ordinary")
    mail = sample.note.with_options(queue="mail").defer(text="mail")
    with worker("--queues", "mail,push") as process:
        process.logged("job.succeeded", job_id=mail)

    assert queues.status(ordinary) == "todo"


def test_jobs_under_suspicion_run_one_at_a_time(tmp_path: Path) -> None:
    # Else the next death could not tell which of them it was, and innocent ones would be parked.
    go = tmp_path / "go"
    first, second = (suspect(defer(HOLD, path=str(go))) for _ in range(2))
    with worker("--concurrency", "3") as process:
        process.logged("sample.holding", job_id=first)
        ordinary = defer(NOTE, text="claimed after both")
        process.logged("job.succeeded", job_id=ordinary)
        holding = [line["job_id"] for line in process.journal.all("sample.holding")]
        go.touch()
        process.logged("job.succeeded", job_id=second)

    assert holding == [first]


def test_who_waits_beside_a_killer_is_not_parked_with_it() -> None:
    killer, innocent = defer("debug.exit"), defer(NOTE, text="innocent")
    suspect(killer)
    suspect(innocent)
    with worker() as victim:
        assert victim.wait() == 70

    with worker() as survivor:
        survivor.logged("job.succeeded", job_id=innocent)
        survivor.logged("job.parked", job_id=killer)
        survivor.end()

    assert queues.status(killer) == "failed"


def test_jobs_with_one_lock_follow_each_other_at_once() -> None:
    # Nothing but the end of the one before tells of the next: no polling, no tick of another job.
    ordered = sample.note.with_options(lock="one after the other", queue="ordered")
    with worker("--queues", "ordered", poll=600) as process:
        process.logged("worker.started")
        ids = ordered.defer_many({"text": str(n)} for n in range(5))
        process.logged("job.succeeded", job_id=ids[-1])

    noted = [line["text"] for line in process.journal.all("sample.noted")]
    assert noted == ["0", "1", "2", "3", "4"]


def suspect(job_id: int) -> int:
    """Make it look as if two workers had died under this job."""
    JobFailure.objects.add(job_id=job_id, job_name=HOLD, deaths=2)
    return job_id


def test_what_a_killed_worker_left_runs_again(tmp_path: Path) -> None:
    # PLT 25
    go = tmp_path / "go"
    job_id = defer(HOLD, path=str(go))
    with worker() as first:
        first.logged("sample.holding", job_id=job_id)
        first.kill()
    go.touch()

    with worker() as second:
        second.logged("job.interrupted", job_id=job_id, deaths=1)
        second.logged("job.succeeded", job_id=job_id)

    assert queues.status(job_id) == "succeeded"
    assert not JobFailure.objects.of_jobs([job_id]).exists()


def test_a_job_that_kills_its_workers_is_parked_with_its_reason() -> None:
    # PLT 25
    job_id = defer("debug.exit")
    for _ in range(3):
        with worker() as victim:
            assert victim.wait() == 70

    with worker() as survivor:
        survivor.logged("job.parked", job_id=job_id)
        bystander = defer(NOTE, text="all is well")
        survivor.logged("job.succeeded", job_id=bystander)
        survivor.end()  # in peace: it tells of parked jobs a moment before it commits

    failure = JobFailure.objects.get(job_id=job_id)
    assert queues.status(job_id) == "failed"
    assert failure.deaths == 3
    assert failure.reason == "3 workers died while running it, so it was not given to another."


def test_sigterm_lets_a_running_job_finish_and_takes_no_other(tmp_path: Path) -> None:
    go = tmp_path / "go"
    running = defer(HOLD, path=str(go))
    with worker() as process:
        process.logged("sample.holding", job_id=running)
        process.process.terminate()
        process.logged("worker.stopping")
        late = defer(NOTE, text="late")
        go.touch()

        assert process.wait() == 0

    assert queues.status(running) == "succeeded"
    assert queues.status(late) == "todo"


def test_a_job_too_long_for_sigterm_goes_back_without_blame(tmp_path: Path) -> None:
    job_id = defer(HOLD, path=str(tmp_path / "never"))
    with worker(grace=0.3) as process:
        process.logged("sample.holding", job_id=job_id)

        assert process.end() == 0

    assert queues.status(job_id) == "todo"
    assert queues.row(job_id)["attempts"] == 0
    assert not JobFailure.objects.of_jobs([job_id]).exists()


def test_a_second_interrupt_is_a_hurry(tmp_path: Path) -> None:
    job_id = defer(HOLD, path=str(tmp_path / "never"))
    with worker(grace=600) as process:
        process.logged("sample.holding", job_id=job_id)
        process.process.send_signal(signal.SIGINT)
        process.logged("worker.stopping")
        process.process.send_signal(signal.SIGINT)

        assert process.wait() == 0

    assert queues.status(job_id) == "todo"


def test_each_tick_has_one_job_over_two_workers() -> None:
    # PLT 25
    journal = Journal()
    with worker(journal=journal), worker(journal=journal):
        journal.wait_for(lambda: len(journal.all("worker.started")) == 2)
        before = len(journal.all("job.tick_queued", job=TICK))
        journal.wait_for(lambda: len(journal.all("job.tick_queued", job=TICK)) >= before + 4)

    ticks = [line["tick"] for line in journal.all("job.tick_queued", job=TICK)]
    assert len(ticks) == len(set(ticks))


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    command = f"{sys.executable} manage.py worker --exit-with-parent & echo started; wait"
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        env=environment(queues.database_url()),
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        for line in parent.stdout:
            if "worker.started" in line:
                parent.kill()
            if "worker.stopped" in line:
                break
        rest = parent.stdout.read()  # ends when the last process holding the pipe has ended

    assert rest == ""


def test_a_worker_whose_parent_died_before_it_looked_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    environ = environment(queues.database_url()) | {PARENT_VARIABLE: str(gone.pid)}

    ended = subprocess.run(
        [sys.executable, "manage.py", "worker", "--exit-with-parent"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )

    # The signal may come before there is anything that could be ended gracefully.
    assert ended.returncode in {0, -signal.SIGTERM}


class OwnPostgres:
    """A PostgreSQL that a test may kill."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)
        self.services = Services(folder, durable=True, valkey=False)
        self.url = self.services.start().database_url

    def kill(self) -> None:
        (server,) = self.services.servers
        pid = server.running_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        server.stop()  # it is dead; this collects it

    def start(self) -> None:
        self.services.start()

    def defer(self, name: str, **arguments: str) -> int:
        with psycopg.connect(self.url) as own:
            row = own.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                " VALUES ('default', %s, %s) RETURNING id",
                [name, Jsonb(arguments)],
            ).fetchone()
        assert row
        return int(row[0])

    def status(self, job_id: int) -> str:
        with psycopg.connect(self.url) as own:
            row = own.execute(
                "SELECT status::text FROM procrastinate_jobs WHERE id = %s", [job_id]
            ).fetchone()
        assert row
        return str(row[0])


def test_a_worker_outlives_postgresql(tmp_path: Path) -> None:
    go = tmp_path / "go"
    postgres = OwnPostgres(tmp_path)
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=environment(postgres.url),
            check=True,
            timeout=PATIENCE_SECONDS,
        )
        with WorkerProcess(database_url=postgres.url) as process:
            held = postgres.defer(HOLD, path=str(go))
            process.logged("sample.holding", job_id=held)

            postgres.kill()
            process.logged("worker.database_away")
            go.touch()
            postgres.start()

            process.logged("worker.database_back")
            process.logged("job.succeeded", job_id=held)
            after = postgres.defer(NOTE, text="after")
            process.logged("job.succeeded", job_id=after)
            assert postgres.status(held) == "succeeded"
            assert process.end() == 0
    finally:
        postgres.services.discard()


def test_a_worker_waits_for_postgresql_to_begin_with(tmp_path: Path) -> None:
    postgres = OwnPostgres(tmp_path)
    try:
        postgres.services.stop()
        with WorkerProcess(database_url=postgres.url) as process:
            process.logged("worker.started")
            process.logged("worker.database_away")

            assert process.end() == 0
    finally:
        postgres.services.discard()
