"""Jobs of flags. Each may run more than once, and late: answers don't wait for them."""

from datetime import timedelta

from django.utils import timezone

from core.jobs import job, periodic
from flags.plans import settling
from flags.staleness import looking


@job()
def settle_plans(*, environment: str) -> None:
    """Make lasting what was planned for until now; it is answered so already."""
    settling.settle(environment=environment, now=timezone.now())


@periodic(cron="*/5 * * * *")
def settle_what_was_missed() -> None:
    settling.settle(now=timezone.now())


@periodic(cron="41 5 * * *", catch_up=timedelta(days=1))
def look_for_stale() -> None:
    looking.look(now=timezone.now())
