"""Jobs that sleep, raise and kill their worker, for fault tests; there only with DEBUG_JOBS=1."""

import os
import time

import structlog
from django.conf import settings

from core.jobs.registry import job

log = structlog.get_logger(__name__)

WORKER_ENDED = 70
"""Exit code of a worker killed by `debug.exit`, to tell it from other ends."""


def sleep(*, seconds: float) -> None:
    log.info("debug.sleeping", seconds=seconds)
    time.sleep(seconds)


def fail(*, message: str) -> None:
    raise RuntimeError(message)


def end_process() -> None:
    """End the worker without a word, as the kernel does when memory runs out."""
    os._exit(WORKER_ENDED)


def register() -> None:
    if settings.DEBUG_JOBS:
        job(name="debug.sleep")(sleep)
        job(name="debug.raise", retries=0)(fail)
        job(name="debug.exit")(end_process)
