"""The same job on plain procrastinate, and the retry of stalled jobs out of its documentation."""

import os
from typing import Any

from procrastinate.contrib.django import app

from bench.jobs.slots import of_this_run


@app.task(name="touch")
def touch(n: int, seconds: float = 0.0) -> None:
    of_this_run().run(n, seconds=seconds)


SOON = "BENCH_SOON" in os.environ


@app.periodic(cron="*/2 * * * * *" if SOON else "*/10 * * * *")
@app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: Any, timestamp: int) -> None:
    seconds = 5 if SOON else 30
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
        await app.job_manager.retry_job(job)
