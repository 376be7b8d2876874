"""Entries of the log, made and read past the services that write them."""

from typing import Any
from uuid import UUID

from audit.models import AuditEntry
from core.models import new_id

PATH = "/api/v1/organizations"


def log_of(organization_id: UUID | None) -> list[AuditEntry]:
    """Return the entries of an organization in the order in which they were written."""
    return list(AuditEntry.objects.for_organization(organization_id).order_by("created_at", "id"))  # type: ignore[arg-type]


def last(action: str) -> AuditEntry:
    found = AuditEntry.objects.filter(action=action).order_by("-created_at", "-id").first()
    assert found is not None, action
    return found


def entry(organization_id: UUID | None, **fields: Any) -> AuditEntry:
    given = {
        "actor_kind": "user",
        "actor_id": new_id(),
        "action": "member.joined",
        "target_type": "user",
        "target_id": str(new_id()),
        "ip_address": "192.0.2.1",
        "request_id": "r-1",
    }
    return AuditEntry.objects.add(organization_id=organization_id, **{**given, **fields})
