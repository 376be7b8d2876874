"""Deleting an organization for good, in steps that are short however large it is.

Each batch is a transaction of its own, and the organization goes with the last one. Killed at any
point it is begun again, and goes on where it stood: what is gone is not found.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from core import pruning
from core.errors import ConflictError
from core.events import publish
from organizations import purging
from organizations.events import OrganizationDeleted, OrganizationPurged
from organizations.models import Organization
from organizations.purging import Store

BATCH = 1000


def purge(*, organization_id: UUID, now: datetime) -> bool:
    """Delete what is left of an organization whose time is over; False if nothing is left.

    Not to be called in a transaction. Raises ConflictError for one that is not deleted, or whose
    time to be restored is not over.
    """
    for store in purging.stores():
        pruning.in_batches(partial(_remove_some, store, organization_id, now), batch=BATCH)
    return _remove_organization(organization_id, now)


@transaction.atomic
def end_grace(*, organization_id: UUID, now: datetime) -> None:
    """Make an organization ready to be purged now, deleted or not: nothing can restore it."""
    organization = Organization.objects.locked().by_id(organization_id)
    if not organization.is_deleted:
        publish(OrganizationDeleted(organization_id=organization_id, actor_id=None, due_at=now))
    due = min(organization.deletion_due_at or now, now)
    Organization.objects.change(organization, deletion_due_at=due, deletion_follows=None)


def counts(*, organization_id: UUID) -> dict[str, int]:
    """Return how much each store, mostly a table, holds of the organization; nothing empty."""
    found = {store.name: store.count(organization_id) for store in purging.stores()}
    return {name: count for name, count in found.items() if count}


@transaction.atomic
def _remove_some(store: Store, organization_id: UUID, now: datetime, limit: int) -> int:
    if _locked(organization_id, now) is None:
        return 0
    return store.remove_some(organization_id, limit)


@transaction.atomic
def _remove_organization(organization_id: UUID, now: datetime) -> bool:
    organization = _locked(organization_id, now)
    if organization is None:
        return False
    publish(OrganizationPurged(organization_id=organization_id))
    Organization.objects.remove(organization)
    return True


def _locked(organization_id: UUID, now: datetime) -> Organization | None:
    """Return the organization; None when it is gone. Two purges of it take turns here."""
    organization = Organization.objects.locked().find(organization_id)
    if organization is not None and not organization.is_over(now=now):
        raise ConflictError("This organization can still be restored. Nothing more was deleted.")
    return organization
