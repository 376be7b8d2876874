"""An organization's life: created, renamed, suspended, deleted, restored, purged."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import reauthentication
from core.errors import ConflictError, FieldProblem, ForbiddenError, InvalidError
from core.events import publish
from core.models import new_id
from organizations import access, permissions, slugs
from organizations.events import (
    OrganizationChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationPurged,
    OrganizationReinstated,
    OrganizationRestored,
    OrganizationSuspended,
)
from organizations.models import Membership, Organization, Slug
from organizations.permissions import SystemRole

RESTORABLE_FOR = timedelta(days=30)
SLUG_KEPT_FOR = timedelta(days=90)
"""How long a slug that was given up still leads to its organization, and to nobody else's."""
TRIES = 5


class CreationDisabledError(ForbiddenError):
    detail = "Organizations are made by the operator of this site. Ask there for one."


@transaction.atomic
def create(*, owner: User, name: str, slug: str | None = None, now: datetime) -> Organization:
    """Make an organization with its first owner. Raises InvalidError for a slug that is taken.

    Raises CreationDisabledError, or ForbiddenError for somebody who has made too many; operators,
    by `create_for`, are held to neither.
    """
    if settings.ORGANIZATIONS_PER_USER == 0:
        raise CreationDisabledError
    locked = User.objects.locked().by_id(owner.pk)
    if Organization.objects.created_by(locked).count() >= settings.ORGANIZATIONS_PER_USER:
        limit = settings.ORGANIZATIONS_PER_USER
        raise ForbiddenError(f"You have made as many organizations as one may here: {limit}.")
    return create_for(owner=locked, actor_id=owner.pk, name=name, slug=slug, now=now)


@transaction.atomic
def create_for(
    *, owner: User, actor_id: UUID | None, name: str, slug: str | None = None, now: datetime
) -> Organization:
    """Make an organization for somebody, whatever the limits. Raises InvalidError."""
    organization_id = new_id()
    name = _checked_name(name)
    # The slug comes first: its reference to the organization is checked at the commit.
    if slug is not None:
        slug = _take(slug, organization_id, now=now)
    else:
        slug = _take_any(name, organization_id, now=now)
    organization = Organization.objects.add(
        id=organization_id, name=name, slug=slug, created_by=owner, created_at=now
    )
    Membership.objects.add(
        organization=organization, user=owner, role=SystemRole.OWNER, joined_at=now
    )
    publish(
        OrganizationCreated(
            organization_id=organization_id, actor_id=actor_id, name=name, slug=slug
        )
    )
    return organization


@transaction.atomic
def change(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    name: str | None = None,
    slug: str | None = None,
    now: datetime,
) -> Organization:
    """Rename; what is None stays. The old slug leads here for another 90 days."""
    organization, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.UPDATE)
    before = (organization.name, organization.slug)
    if name is not None:
        Organization.objects.change(organization, name=_checked_name(name))
    if slug is not None and slug.strip().lower() != organization.slug:
        held = Slug.objects.for_organization(organization_id)
        held.let_go(until=now + SLUG_KEPT_FOR)
        Organization.objects.change(organization, slug=_take(slug, organization_id, now=now))
    if before != (organization.name, organization.slug):
        publish(
            OrganizationChanged(
                organization_id=organization_id,
                actor_id=actor_id,
                name=(before[0], organization.name),
                slug=(before[1], organization.slug),
            )
        )
    return organization


@transaction.atomic
def delete(
    *,
    organization_id: UUID,
    actor_id: UUID | None,
    session_id: UUID | None = None,
    name: str | None = None,
    now: datetime,
) -> datetime:
    """End all access now, and everything else in 30 days; return the moment it will go.

    `name`, where it is given, has to be the organization's: typed by hand against a slip of it.
    Raises InvalidError, and ReauthenticationRequiredError.
    """
    organization, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.DELETE)
    reauthentication.require_recent(user_id=actor_id, session_id=session_id, now=now)
    if name is not None and name.strip() != organization.name:
        raise InvalidError(FieldProblem("/name", "invalid", "This is not its name."))
    due = now + RESTORABLE_FOR
    Organization.objects.change(organization, deletion_due_at=due)
    publish(OrganizationDeleted(organization_id=organization_id, actor_id=actor_id, due_at=due))
    return due


@transaction.atomic
def restore(*, organization_id: UUID) -> None:
    """Bring a deleted organization back, members and roles as they were.

    Raises ConflictError when it is not deleted, or waits for an account that is.
    """
    organization = Organization.objects.locked().by_id(organization_id)
    if not organization.is_deleted:
        raise ConflictError("This organization is not deleted.")
    if organization.deletion_follows_id is not None:
        raise ConflictError("It goes with its only member's account: keep the account instead.")
    Organization.objects.change(organization, deletion_due_at=None)
    publish(OrganizationRestored(organization_id=organization_id, actor_id=None))


@transaction.atomic
def suspend(*, organization_id: UUID, reason: str, now: datetime) -> None:
    """Let it be read and nothing in it be changed; a second call changes the reason alone."""
    organization = Organization.objects.present().locked().by_id(organization_id)
    since = organization.suspended_at or now
    Organization.objects.change(organization, suspended_at=since, suspension_reason=reason)
    publish(OrganizationSuspended(organization_id=organization_id, reason=reason))


@transaction.atomic
def reinstate(*, organization_id: UUID) -> None:
    """Lift a suspension; nothing where there is none."""
    organization = Organization.objects.present().locked().by_id(organization_id)
    if organization.is_suspended:
        Organization.objects.change(organization, suspended_at=None, suspension_reason="")
        publish(OrganizationReinstated(organization_id=organization_id))


def purge(organization: Organization) -> None:
    """Delete a deleted organization for good, with all that belongs to it; in a transaction."""
    publish(OrganizationPurged(organization_id=organization.pk))
    Organization.objects.remove(organization)


def _checked_name(name: str) -> str:
    """Return the name without blanks around it. Raises InvalidError."""
    plain = name.strip()
    if not plain:
        raise InvalidError(FieldProblem("/name", "required", "An organization needs a name."))
    return plain


def _take(slug: str, organization_id: UUID, *, now: datetime) -> str:
    plain = slug.strip().lower()
    detail = slugs.complaint(plain)
    if detail is None and not Slug.objects.take(plain, organization_id=organization_id, now=now):
        detail = "Another organization has this name, or had it not long ago. Choose another one."
    if detail is not None:
        raise InvalidError(FieldProblem("/slug", "invalid", detail))
    return plain


def _take_any(name: str, organization_id: UUID, *, now: datetime) -> str:
    """Take what the name suggests, or something like it."""
    suggested = slugs.suggested(name)
    for slug in [suggested, *(slugs.varied(suggested) for _ in range(TRIES))]:
        if slugs.complaint(slug) is None and Slug.objects.take(
            slug, organization_id=organization_id, now=now
        ):
            return slug
    raise ConflictError("No free name was found. Choose one in `slug`.")
