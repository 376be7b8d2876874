"""The end of a block: an operator's to bring about, when the owner of the address asks."""

from uuid import UUID

from django.db import transaction

from accounts import addresses
from core.events import publish
from invitations.events import InvitationBlockLifted
from invitations.models import InvitationBlock


@transaction.atomic
def lift(*, block_id: UUID) -> None:
    """Let the organization invite the address again. Raises NotFoundError on a second call."""
    block = InvitationBlock.objects.locked().by_id(block_id)
    InvitationBlock.objects.remove(block)
    publish(
        InvitationBlockLifted(
            organization_id=block.organization_id,
            block_id=block_id,
            actor_id=None,
            email=addresses.masked(block.email_normalized),
        )
    )
