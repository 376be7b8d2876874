"""What accounts throws away, and when. Registered by AccountsConfig.ready()."""

from datetime import datetime, timedelta

from accounts.models import UserSession
from core import pruning

SESSIONS_KEPT_FOR = timedelta(days=30)
"""After their end, for whoever has to look into what happened."""


def register() -> None:
    pruning.register("sessions", prune_sessions)


def prune_sessions(now: datetime, dry_run: bool) -> int:
    old = UserSession.objects.over_before(now - SESSIONS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
