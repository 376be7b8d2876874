"""What audit throws away, and when. Registered by AuditConfig.ready()."""

from datetime import datetime, timedelta

from django.conf import settings

from audit.models import AuditEntry
from core import pruning


def register() -> None:
    pruning.register("audit entries", prune_entries)


def prune_entries(now: datetime, dry_run: bool) -> int:
    if not settings.AUDIT_RETENTION_DAYS:
        return 0
    old = AuditEntry.objects.before(now - timedelta(days=settings.AUDIT_RETENTION_DAYS))
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
