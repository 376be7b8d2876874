"""What every event of an invitation, or of a link, tells."""

from typing import Any
from uuid import UUID

from accounts import addresses
from invitations.models import Invitation, InvitationLink


def of(invitation: Invitation, actor_id: UUID | None) -> dict[str, Any]:
    return {
        "organization_id": invitation.organization_id,
        "invitation_id": invitation.pk,
        "actor_id": actor_id,
        "email": addresses.masked(invitation.email),
        "role": invitation.role,
    }


def of_link(link: InvitationLink, actor_id: UUID | None) -> dict[str, Any]:
    return {
        "organization_id": link.organization_id,
        "link_id": link.pk,
        "actor_id": actor_id,
        "role": link.role,
    }
