"""Whose addresses an organization may invite."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import addresses
from core.errors import FieldProblem, InvalidError
from core.events import publish
from invitations.events import InvitationPolicyChanged
from invitations.models import InvitationPolicy
from organizations import access, permissions


@transaction.atomic
def change(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    allowed_domains: Sequence[str],
    denied_domains: Sequence[str],
    now: datetime,
) -> InvitationPolicy:
    """Replace the lists; they hold for open invitations too. Raises InvalidError."""
    _, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.UPDATE)
    policy = InvitationPolicy.objects.of(organization_id)
    before = (tuple(policy.allowed_domains), tuple(policy.denied_domains))
    policy.allowed_domains = domains(allowed_domains, "/allowed_domains")
    policy.denied_domains = domains(denied_domains, "/denied_domains")
    InvitationPolicy.objects.put(policy)
    publish(
        InvitationPolicyChanged(
            organization_id=organization_id,
            actor_id=actor_id,
            allowed_domains=(before[0], tuple(policy.allowed_domains)),
            denied_domains=(before[1], tuple(policy.denied_domains)),
        )
    )
    return policy


def domains(given: Sequence[str], pointer: str) -> list[str]:
    """Return the domains as addresses hold them, each once. Raises InvalidError."""
    found: dict[str, None] = {}
    for index, name in enumerate(given):
        try:
            normal = addresses.normalize(f"somebody@{name.strip().removeprefix('@')}")
        except ValueError:
            detail = "This is not a domain, such as example.com."
            raise InvalidError(FieldProblem(f"{pointer}/{index}", "invalid", detail)) from None
        found[normal.partition("@")[2]] = None
    return list(found)
