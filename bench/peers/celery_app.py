"""Celery on Redis as its user guide has it: JSON, prefork, no results that nobody reads.

CELERY_LATE=1 acknowledges a job after its work instead of before, which the guide names for jobs
that must survive their worker, and may then run twice.
"""

import os

from celery import Celery

from bench.jobs.slots import of_this_run

LATE = os.environ.get("CELERY_LATE") == "1"

app = Celery("bench", broker=os.environ["CELERY_BROKER"])
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    worker_prefetch_multiplier=64,  # "lots of short tasks": the guide's Optimizing
    broker_connection_retry_on_startup=True,
    task_acks_late=LATE,
    task_reject_on_worker_lost=LATE,
)
if "BENCH_SOON" in os.environ:  # else after an hour: what a dead worker had reserved comes back
    app.conf.broker_transport_options = {
        "visibility_timeout": 5,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@app.task
def touch(n: int, seconds: float = 0.0) -> None:
    of_this_run().run(n, seconds=seconds)
