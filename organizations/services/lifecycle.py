"""An organization's life: created, renamed, suspended, deleted, restored."""

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
    OrganizationReinstated,
    OrganizationRestored,
    OrganizationSuspended,
)
from organizations.models import MAX_NAME, MAX_REASON, Membership, Organization, Slug
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
    locked = _locked_owner(owner)
    if Organization.objects.created_by(locked).count() >= settings.ORGANIZATIONS_PER_USER:
        limit = settings.ORGANIZATIONS_PER_USER
        raise ForbiddenError(f"You have made as many organizations as one may here: {limit}.")
    return _create(locked, actor_id=owner.pk, name=name, slug=slug, now=now)


@transaction.atomic
def create_for(
    *, owner: User, actor_id: UUID | None, name: str, slug: str | None = None, now: datetime
) -> Organization:
    """Make an organization for somebody, whatever the limits.

    Raises InvalidError, and ConflictError for an account that could not own it.
    """
    return _create(_locked_owner(owner), actor_id=actor_id, name=name, slug=slug, now=now)


def _locked_owner(owner: User) -> User:
    """Raises ConflictError for an account that goes: the organization would lose its owner."""
    locked = User.objects.locked().by_id(owner.pk)
    if not locked.is_active or locked.deletion_due_at is not None:
        raise ConflictError("This account is deactivated or going to be deleted.")
    return locked


def _create(
    owner: User, *, actor_id: UUID | None, name: str, slug: str | None, now: datetime
) -> Organization:
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
def restore(*, organization_id: UUID, now: datetime) -> None:
    """Bring a deleted organization back, members and roles as they were.

    Raises ConflictError when it is not deleted, when its 30 days are over, and when it waits for
    an account that is deleted.
    """
    organization = Organization.objects.locked().by_id(organization_id)
    if not organization.is_deleted:
        raise ConflictError("This organization is not deleted.")
    if organization.is_over(now=now):
        raise ConflictError("The time in which it could be restored is over.")
    if organization.deletion_follows_id is not None:
        raise ConflictError("It goes with its only member's account: keep the account instead.")
    Organization.objects.change(organization, deletion_due_at=None)
    publish(OrganizationRestored(organization_id=organization_id, actor_id=None))


@transaction.atomic
def suspend(*, organization_id: UUID, reason: str, now: datetime) -> None:
    """Let it be read and nothing in it be changed; a second call changes the reason alone.

    Raises InvalidError for a reason that is blank or longer than 200 characters.
    """
    reason = _checked_reason(reason)
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


def _checked_name(name: str) -> str:
    """Return the name without blanks around it. Raises InvalidError."""
    plain = name.strip()
    if not plain:
        raise InvalidError(FieldProblem("/name", "required", "An organization needs a name."))
    if len(plain) > MAX_NAME:
        raise InvalidError(FieldProblem("/name", "max_length", f"Up to {MAX_NAME} characters."))
    return plain


def _checked_reason(reason: str) -> str:
    plain = " ".join(reason.split())
    if not 0 < len(plain) <= MAX_REASON:
        detail = f"Say why, in up to {MAX_REASON} characters."
        raise InvalidError(FieldProblem("/reason", "invalid", detail))
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
