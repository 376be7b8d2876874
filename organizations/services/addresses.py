"""Which organization a slug leads to, for those who belong to it."""

from datetime import datetime
from uuid import UUID

from core.errors import NotFoundError
from organizations import access
from organizations.models import Organization, Slug


def resolve(*, slug: str, user_id: UUID, now: datetime) -> Organization:
    """Return the organization that has a slug, or had it until not long ago.

    Raises NotFoundError for everybody who does not belong, as for a slug that nobody has.
    """
    held = Slug.objects.leading(now=now).by_slug(slug)
    if held is None:
        raise NotFoundError
    return access.enter(user_id=user_id, organization_id=held.organization_id).organization
