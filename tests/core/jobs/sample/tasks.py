import time
from pathlib import Path

import structlog
from django.contrib.contenttypes.models import ContentType

from core.jobs import job, periodic

log = structlog.get_logger(__name__)


@job(retries=2)
def hold(*, path: str) -> None:
    """Run until the file is there."""
    log.info("sample.holding")
    while not Path(path).exists():
        time.sleep(0.05)


@job()
def note(*, text: str) -> None:
    log.info("sample.noted", text=text)


@job()
async def count_types() -> None:
    log.info("sample.counted", count=await ContentType.objects.acount())


@periodic(cron="* * * * * *")
def tick() -> None:
    """Do nothing, every second."""
