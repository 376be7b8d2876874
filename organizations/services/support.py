"""What support does for an organization that can't help itself."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.errors import ConflictError
from organizations import access
from organizations.models import Membership
from organizations.permissions import SystemRole
from organizations.services import members


@transaction.atomic
def grant_owner(*, organization_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Make somebody an owner beside the others, letting them in if need be; False if they are one.

    Raises ConflictError for an account that could not act as one.
    """
    user = User.objects.locked().by_id(user_id)
    if not user.is_active or user.deletion_due_at is not None:
        raise ConflictError("This account is deactivated or going to be deleted.")
    access.begin(organization_id, None)
    here = Membership.objects.for_organization(organization_id).of(user_id)
    membership = here.active().first()
    if membership is not None and membership.is_owner:
        return False
    if membership is not None:
        members.change_role(
            organization_id=organization_id,
            actor_id=None,
            user_id=user_id,
            role=SystemRole.OWNER,
            now=now,
        )
    else:
        role = access.role(organization_id, SystemRole.OWNER)
        members.add(
            organization_id=organization_id, actor_id=None, user_id=user_id, role=role, now=now
        )
    return True
