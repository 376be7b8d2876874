from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.models import BaseModel
from organizations import permissions
from organizations.permissions import Permissions, SystemRole
from organizations.repositories import (
    LISTED_STATES,
    CustomRoleRepository,
    MembershipRepository,
    OrganizationRepository,
    OwnershipOfferRepository,
    SlugRepository,
)
from organizations.slugs import MAX_LENGTH

NEWEST_FIRST = ["-created_at", "-id"]
OFFER_LIFETIME = timedelta(days=7)
MAX_NAME = 255
MAX_REASON = 200


class Organization(BaseModel):
    """A tenant: people, and all that belongs to them together."""

    name = models.CharField(max_length=MAX_NAME)
    slug = models.CharField(max_length=MAX_LENGTH, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    suspended_at = models.DateTimeField("suspended", null=True)
    """Since when it can only be read."""
    suspension_reason = models.CharField(max_length=MAX_REASON, blank=True)
    deletion_due_at = models.DateTimeField("goes on", null=True)
    """When it goes for good. Until then it can be restored, and nobody reaches it."""
    deletion_follows = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    """The only member, whose account is going to be deleted; its return brings this back too.

    When the account goes this is emptied, and the purge may begin.
    """

    objects = OrganizationRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="organization_has_a_name"),
            models.CheckConstraint(condition=Q(slug=Lower("slug")), name="organization_slug_lower"),
            models.CheckConstraint(
                condition=Q(deletion_follows=None) | ~Q(deletion_due_at=None),
                name="organization_follows_into_deletion",
            ),
        ]
        indexes = [
            models.Index(fields=NEWEST_FIRST, name="organization_newest_first"),
            models.Index(
                fields=["deletion_due_at"],
                name="organization_deletion_due",
                condition=~Q(deletion_due_at=None),
            ),
            models.Index(
                fields=NEWEST_FIRST,
                name="organization_suspended",
                condition=~Q(suspended_at=None),
            ),
            models.Index(
                fields=NEWEST_FIRST,
                name="organization_deleted",
                condition=~Q(deletion_due_at=None),
            ),
            models.Index(fields=["created_by"], name="organization_creator"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def is_deleted(self) -> bool:
        return self.deletion_due_at is not None

    def is_over(self, *, now: datetime) -> bool:
        """Tell whether the time in which it can be restored has passed."""
        return self.deletion_due_at is not None and self.deletion_due_at <= now


class TenantModel(BaseModel):
    """The base of every row that belongs to one organization. It goes with the organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")

    class Meta:
        abstract = True


class Slug(TenantModel):
    """A slug that an organization has, or had: for a while nobody else may take it."""

    slug = models.CharField(max_length=MAX_LENGTH, unique=True)
    kept_until = models.DateTimeField(null=True)
    """When others may take it; None while it is the organization's own."""

    objects = SlugRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(kept_until=None), name="slug_one_current"
            ),
        ]
        indexes = [
            models.Index(fields=["kept_until"], name="slug_kept", condition=~Q(kept_until=None)),
        ]

    def __str__(self) -> str:
        return self.slug


class CustomRole(TenantModel):
    """A role that an organization made for itself: a set of named permissions."""

    key = models.CharField(max_length=63)
    """What the API calls it; it never changes."""
    name = models.CharField(max_length=100)
    permissions = ArrayField(models.CharField(max_length=100))

    objects = CustomRoleRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="custom_role_key"),
            models.CheckConstraint(
                condition=~Q(key__in=[*SystemRole.values, "custom"]), name="custom_role_key_free"
            ),
            # What a membership refers to, so that no role of another organization can be held.
            models.UniqueConstraint(fields=["organization", "id"], name="custom_role_tenant"),
        ]

    def __str__(self) -> str:
        return self.name

    def holds(self) -> Permissions:
        """What it allows, of what is registered now. Whoever belongs sees the organization."""
        return frozenset(self.permissions) & permissions.everything() | {permissions.READ}


class Membership(TenantModel):
    """One person's place in one organization, kept when they leave.

    Exactly one row for each pair, whatever its state: who comes back finds their history.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        LEAVING = "leaving"
        """The account is going to be deleted; its return makes the membership active again."""
        REMOVED = "removed"

    class Role(models.TextChoices):
        OWNER = SystemRole.OWNER.value
        ADMIN = SystemRole.ADMIN.value
        MEMBER = SystemRole.MEMBER.value
        VIEWER = SystemRole.VIEWER.value
        CUSTOM = "custom"

    organization = models.ForeignKey(
        Organization,
        models.CASCADE,
        related_name="+",
        related_query_name="membership",
        db_index=False,  # three indexes below begin with it
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role)
    custom_role = models.ForeignKey(CustomRole, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    joined_at = models.DateTimeField("joined")
    """Of the latest time, where somebody came back."""
    removed_at = models.DateTimeField("removed", null=True)

    objects = MembershipRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(role="custom") ^ Q(custom_role=None), name="membership_role_or_custom"
            ),
            models.CheckConstraint(
                condition=Q(state="removed") ^ Q(removed_at=None), name="membership_removed_at"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "state"], name="membership_of_user"),
            models.Index(
                fields=["organization", "-joined_at", "-id"],
                name="membership_listed",
                condition=Q(state__in=LISTED_STATES),
            ),
            models.Index(
                fields=["organization", "role", "-joined_at", "-id"],
                name="membership_in_role",
                condition=Q(state__in=LISTED_STATES),
            ),
            # The admin's list: of one organization, and each state that is rare.
            models.Index(fields=["organization", "-id"], name="membership_newest_first"),
            models.Index(
                fields=["state", "-id"], name="membership_not_active", condition=~Q(state="active")
            ),
            models.Index(
                fields=["organization"],
                name="membership_owners",
                condition=Q(state="active", role="owner"),
            ),
        ]

    def __str__(self) -> str:
        return f"{loaded(self, 'user')} in {loaded(self, 'organization')}"

    @property
    def is_active(self) -> bool:
        return self.state == Membership.State.ACTIVE

    @property
    def is_owner(self) -> bool:
        return self.is_active and self.role == SystemRole.OWNER

    @property
    def role_key(self) -> str:
        """What the API calls the role; reads the custom role."""
        return self.custom_role.key if self.custom_role else self.role

    def permissions(self) -> Permissions:
        """What the role allows, of what is registered now; reads the custom role."""
        if self.custom_role is None:
            return permissions.of_system_role(self.role)
        return self.custom_role.holds()


class OwnershipOffer(TenantModel):
    """An owner's offer to another member to become owner in their place."""

    offered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = OwnershipOfferRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(accepted_at=None, cancelled_at=None),
                name="ownership_offer_one_open",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(cancelled_at=None),
                name="ownership_offer_accepted_xor_cancelled",
            ),
            models.CheckConstraint(
                condition=~Q(user=models.F("offered_by")), name="ownership_offer_to_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{loaded(self, 'organization')} to {loaded(self, 'user')}"


def loaded(row: TenantModel, name: str) -> Any:
    """Return what a foreign key leads to, or its id: naming a row asks no question."""
    return row._state.fields_cache.get(name, getattr(row, f"{name}_id"))
