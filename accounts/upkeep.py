"""What accounts throws away, and what it tells `manage.py doctor`. Registered by its AppConfig."""

from datetime import datetime, timedelta

from accounts import keys
from accounts.models import UserSession
from core import diagnostics, pruning
from core.diagnostics import Finding

SESSIONS_KEPT_FOR = timedelta(days=30)
"""After their end, for whoever has to look into what happened."""


def register() -> None:
    pruning.register("sessions", prune_sessions)
    diagnostics.register("Signing keys", examine_keys)


def prune_sessions(now: datetime, dry_run: bool) -> int:
    old = UserSession.objects.over_before(now - SESSIONS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def examine_keys() -> Finding:
    found = [key.kid[:8] for key in keys.ring().current()]
    return diagnostics.ok(f"{len(found)} in force; {found[0]} signs")
