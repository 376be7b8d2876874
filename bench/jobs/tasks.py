"""The job that is measured, as a product writes one."""

from bench.jobs.slots import of_this_run
from core.jobs import job


@job(name="bench.touch")
def touch(*, n: int, seconds: float = 0.0) -> None:
    of_this_run().run(n, seconds=seconds)
