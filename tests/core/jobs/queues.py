"""Looking into the queue of the test database."""

from typing import Any

from django.db import connection

from core.jobs.models import JobFailure
from core.jobs.rows import execute, select


def database_url() -> str:
    """Return the address of the test database, for processes of the test."""
    parts = connection.settings_dict
    password = f":{parts['PASSWORD']}" if parts["PASSWORD"] else ""
    return f"postgres://{parts['USER']}{password}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


def row(job_id: int | None) -> dict[str, Any]:
    found = select("SELECT *, status::text FROM procrastinate_jobs WHERE id = %(id)s", id=job_id)
    assert found, f"there is no job {job_id}"
    return found[0]


def status(job_id: int | None) -> str:
    return str(row(job_id)["status"])


def failure(job_id: int | None) -> JobFailure:
    assert job_id is not None
    return JobFailure.objects.by_id(job_id)


def total() -> int:
    return int(select("SELECT count(*) AS total FROM procrastinate_jobs")[0]["total"])


def empty_queue() -> None:
    # These tables are unmanaged: Django's own flush after a transactional test passes them by.
    execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    execute("TRUNCATE procrastinate_periodic_defers")
    JobFailure.objects.all().delete()
