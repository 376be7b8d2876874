"""What accounts throws away, and when. Registered by AccountsConfig.ready()."""

from datetime import datetime, timedelta

from accounts.models import User, UserSession
from accounts.services import deletion
from core import pruning

SESSIONS_KEPT_FOR = timedelta(days=30)
"""After their end, for whoever has to look into what happened."""


def register() -> None:
    # Two, each by its own index: a question after either is answered by reading the whole table.
    pruning.register("sessions that ended", prune_ended_sessions)
    pruning.register("sessions that ran out", prune_expired_sessions)
    pruning.register("accounts", purge_accounts)


def purge_accounts(now: datetime, dry_run: bool) -> int:
    if dry_run:
        return User.objects.due_for_deletion(now=now).count()
    return pruning.in_batches(lambda limit: deletion.purge_some(limit, now=now), batch=100)


def prune_ended_sessions(now: datetime, dry_run: bool) -> int:
    old = UserSession.objects.ended_before(now - SESSIONS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def prune_expired_sessions(now: datetime, dry_run: bool) -> int:
    old = UserSession.objects.expired_before(now - SESSIONS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
