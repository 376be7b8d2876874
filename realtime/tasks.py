from datetime import timedelta

import structlog
from django.utils import timezone

from core.jobs.registry import periodic
from realtime import trimming

log = structlog.get_logger(__name__)


@periodic(cron="*/10 * * * *", catch_up=timedelta(hours=1))
def trim_streams() -> None:
    """Delete what was said long ago, often enough that no table grows with a busy day."""
    trimmed = trimming.trim(timezone.now())
    if trimmed:
        log.info("realtime.trimmed", count=trimmed)
