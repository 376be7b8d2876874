"""What audit throws away, and when. Registered by AuditConfig.ready()."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from audit.models import AuditEntry
from core import pruning
from organizations import purging


def register() -> None:
    pruning.register("audit entries", prune_entries)
    purging.register("audit entries", remove_some=remove_some, count=count)


def remove_some(organization_id: UUID, limit: int) -> int:
    """Delete entries of an organization that is going for good."""
    return AuditEntry.objects.for_organization(organization_id).remove_some(limit)


def count(organization_id: UUID) -> int:
    return AuditEntry.objects.for_organization(organization_id).count()


def prune_entries(now: datetime, dry_run: bool) -> int:
    if not settings.AUDIT_RETENTION_DAYS:
        return 0
    old = AuditEntry.objects.before(now - timedelta(days=settings.AUDIT_RETENTION_DAYS))
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
