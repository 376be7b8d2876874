"""What every event of an invitation tells."""

from typing import Any
from uuid import UUID

from accounts import addresses
from invitations.models import Invitation


def of(invitation: Invitation, actor_id: UUID | None) -> dict[str, Any]:
    return {
        "organization_id": invitation.organization_id,
        "invitation_id": invitation.pk,
        "actor_id": actor_id,
        "email": addresses.masked(invitation.email),
        "role": invitation.role,
    }
