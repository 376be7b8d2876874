"""Every query on organizations and their members; and the base of those on tenants' rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Case, F, When
from django.utils import timezone

from core.repositories import Repository

if TYPE_CHECKING:
    from accounts.models import User
    from organizations.models import (
        CustomRole,
        Membership,
        Organization,
        OwnershipOffer,
        Slug,
    )

T = TypeVar("T", bound=models.Model)

LISTED_STATES = ("active", "suspended")
"""Of a membership: whom the others see. Who left, or deletes their account, is hidden."""


def _role_key(membership: str = "") -> Case:
    """Return what the API calls a role, in SQL."""
    custom = When(**{f"{membership}role": "custom"}, then=F(f"{membership}custom_role__key"))
    return Case(custom, default=F(f"{membership}role"))


class TenantRepository(Repository[T]):
    """Queries on rows that belong to an organization, reached through `for_organization` alone."""

    def for_organization(self, organization_id: UUID) -> Self:
        return self.filter(organization_id=organization_id)


class OrganizationRepository(Repository["Organization"]):
    def present(self) -> Self:
        """Not deleted; possibly suspended."""
        return self.filter(deletion_due_at=None)

    def of_member(self, user: "User") -> Self:
        """Keep what the person belongs to, each with `role`, theirs."""
        theirs = self.present().filter(membership__user_id=user.pk, membership__state="active")
        return theirs.annotate(role=_role_key("membership__"))

    def created_by(self, user: "User") -> Self:
        return self.filter(created_by_id=user.pk)

    def among(self, ids: Iterable[UUID]) -> Self:
        """Keep these; in the order of their ids, so that two who lock several never deadlock."""
        return self.filter(pk__in=list(ids)).order_by("pk")

    def following(self, user_id: UUID) -> Self:
        """Keep what goes because the account of its only member goes."""
        return self.filter(deletion_follows_id=user_id)

    def due_for_deletion(self, *, now: datetime) -> Self:
        return self.filter(deletion_due_at__lte=now).order_by("deletion_due_at")

    def by_slug(self, slug: str) -> "Organization | None":
        return self.filter(slug=slug.lower()).first()

    def looked_up(self, text: str) -> Self:
        """By id, or by the beginning of the slug."""
        return super().looked_up(text) | self.filter(slug__startswith=text.lower())


class SlugRepository(TenantRepository["Slug"]):
    def current(self) -> Self:
        return self.filter(kept_until=None)

    def by_slug(self, slug: str) -> "Slug | None":
        return self.filter(slug=slug.lower()).first()

    def take(self, slug: str, *, organization_id: UUID, now: datetime) -> bool:
        """Give an organization a slug, its own of earlier included; False when others have it."""
        self.free(now=now).filter(slug=slug).delete()
        new = self.model(slug=slug, organization_id=organization_id)
        self.bulk_create([new], ignore_conflicts=True)
        taken = self.filter(slug=slug, organization_id=organization_id)
        return bool(taken.update(kept_until=None))

    def let_go(self, *, until: datetime) -> None:
        """Keep the matching ones from others for a while."""
        self.current().update(kept_until=until)

    def free(self, *, now: datetime) -> Self:
        """Keep those that anybody may take again."""
        return self.filter(kept_until__lte=now)


class CustomRoleRepository(TenantRepository["CustomRole"]):
    def by_key(self, key: str) -> "CustomRole | None":
        return self.filter(key=key).first()

    def names_of_permissions(self) -> set[str]:
        """Return every permission that some role names."""
        rows = self.values_list("permissions", flat=True).distinct()
        return {name for names in rows.iterator() for name in names}


class MembershipRepository(TenantRepository["Membership"]):
    def active(self) -> Self:
        return self.filter(state="active")

    def leaving(self) -> Self:
        return self.filter(state="leaving")

    def move(self, state: str) -> int:
        """Give every matching membership this state; return how many."""
        return self.update(state=state, updated_at=timezone.now())

    def belonging(self) -> Self:
        """Whoever has a place: active, suspended, or about to delete their account."""
        return self.exclude(state="removed")

    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def other_than(self, user_id: UUID) -> Self:
        return self.exclude(user_id=user_id)

    def owners(self) -> Self:
        """Who counts as an owner: active ones alone."""
        return self.active().filter(role="owner")

    def holding(self, role: "CustomRole") -> Self:
        return self.filter(custom_role_id=role.pk)

    def listed(self) -> Self:
        """Whom the others see: active and suspended."""
        return self.filter(state__in=LISTED_STATES)

    def shown(self) -> Self:
        """Add what is shown of a member: `email`, `full_name` and `role_key_shown`."""
        return self.annotate(
            email=F("user__email"), full_name=F("user__full_name"), role_key_shown=_role_key()
        )

    def in_present_organizations(self) -> Self:
        return self.filter(organization__deletion_due_at=None)

    def with_role(self) -> Self:
        return self.select_related("custom_role")

    def with_people(self) -> Self:
        return self.select_related("user", "custom_role")

    def with_organization(self) -> Self:
        return self.select_related("organization", "custom_role")

    def entry(self, *, user_id: UUID, organization_id: UUID) -> "Membership | None":
        """Return what lets a person in, with organization and role; None lets nobody in."""
        here = self.with_organization().active().in_present_organizations()
        return here.filter(user_id=user_id, organization_id=organization_id).first()

    def by_address(self, emails_normalized: Iterable[str]) -> "dict[str, Membership]":
        """Return who has, or had, a place with one of these addresses, by their address."""
        found = self.with_people().filter(user__email_normalized__in=list(emails_normalized))
        return {membership.user.email_normalized: membership for membership in found}

    def in_role(self, key: str) -> Self:
        """By what the API calls a role."""
        return self.filter(models.Q(role=key, custom_role=None) | models.Q(custom_role__key=key))

    def add_or_find(
        self, *, organization_id: UUID, user_id: UUID, **fields: Any
    ) -> "tuple[Membership, bool]":
        """Insert a membership unless the pair has one; return it, locked, and whether it is new."""
        new = self.model(organization_id=organization_id, user_id=user_id, **fields)
        self.bulk_create([new], ignore_conflicts=True)
        found = self.locked().get(organization_id=organization_id, user_id=user_id)
        return found, found.pk == new.pk

    def organization_ids(self) -> list[UUID]:
        return list(self.values_list("organization_id", flat=True))


class OwnershipOfferRepository(TenantRepository["OwnershipOffer"]):
    def open(self) -> Self:
        """Neither accepted nor cancelled; possibly expired."""
        return self.filter(accepted_at=None, cancelled_at=None)

    def to(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def concerning(self, user_id: UUID) -> Self:
        return self.filter(models.Q(user_id=user_id) | models.Q(offered_by_id=user_id))

    def accepted(self) -> Self:
        return self.exclude(accepted_at=None)
