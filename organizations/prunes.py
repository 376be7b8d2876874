"""What organizations throw away, and when. Registered by OrganizationsConfig.ready()."""

from datetime import datetime
from uuid import UUID

import structlog

from core import pruning
from organizations.models import Organization, Slug
from organizations.services import purge

log = structlog.get_logger(__name__)


class PurgeError(Exception):
    """Some organizations could not be purged; the log has each."""


def register() -> None:
    pruning.register("organizations", purge_organizations)
    pruning.register("slugs", prune_slugs)


def purge_organizations(now: datetime, dry_run: bool) -> int:
    """Raises PurgeError after all others are gone: one that can't go keeps none of them."""
    due = Organization.objects.due_for_purge(now=now)
    if dry_run:
        return due.count()
    outcomes = [_attempt(organization_id, now) for organization_id in due.ids()]
    if None in outcomes:
        raise PurgeError(f"{outcomes.count(None)} of {len(outcomes)} could not be purged.")
    return outcomes.count(True)


def prune_slugs(now: datetime, dry_run: bool) -> int:
    """Earlier slugs that nobody has taken since they became free."""
    free = Slug.objects.free(now=now)
    return free.count() if dry_run else pruning.in_batches(free.remove_some)


def _attempt(organization_id: UUID, now: datetime) -> bool | None:
    try:
        return purge.purge(organization_id=organization_id, now=now)
    except Exception:
        log.exception("organization.purge_failed", organization_id=str(organization_id))
        return None
