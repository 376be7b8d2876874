"""Whom staff mean when they ask why somebody gets an answer."""

from uuid import UUID

from django.conf import settings

from accounts.models import User
from core.errors import NotFoundError
from flags import fields, snapshots
from flags.fields import Subject
from flags.kept import assignments
from organizations.models import Membership, Organization


def subject_of(email: str, organization: str) -> dict[str, str]:
    """Return the context of an account, in an organization of theirs where one is named.

    Raises NotFoundError.
    """
    user = User.objects.by_email(email)
    if user is None:
        raise NotFoundError("There is no account with this address.")
    kept = assignments.of(user, snapshots.current(settings.FLAGS_ENVIRONMENT))
    if not organization:
        return fields.context(Subject(user), {}) | kept
    found = Organization.objects.by_id_or_slug(organization)
    if found is None:
        raise NotFoundError("There is no such organization.")
    return fields.context(Subject(user, found, _role(user.pk, found.pk)), {}) | kept


def _role(user_id: UUID, organization_id: UUID) -> str | None:
    place = Membership.objects.entry(user_id=user_id, organization_id=organization_id)
    return place.role_key if place else None
