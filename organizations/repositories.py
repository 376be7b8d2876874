"""Every query on organizations and their members; and the base of those on tenants' rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import Case, F, OuterRef, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from core.repositories import Repository
from organizations import entry
from organizations.permissions import SystemRole

if TYPE_CHECKING:
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

    def looked_up(self, text: str) -> Self:
        """By id, or all of one organization, by its id or its whole slug."""
        tenants: Any = self.model._meta.get_field("organization").related_model
        organization = tenants.objects.by_id_or_slug(text)
        if organization is not None:
            return self.for_organization(organization.pk)
        return super().looked_up(text)


def rows_of(model: type[T], organization_id: UUID) -> TenantRepository[T]:
    """Return every row that an organization has of a tenant model, whatever its manager shows."""
    return TenantRepository(model).for_organization(organization_id)


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

    def due_for_purge(self, *, now: datetime) -> Self:
        """Keep those whose 30 days are over; what follows an account stays until that is gone."""
        over = self.filter(deletion_due_at__lte=now, deletion_follows=None)
        return over.order_by("deletion_due_at")

    def by_slug(self, slug: str) -> "Organization | None":
        return self.filter(slug=slug.lower()).first()

    def by_id_or_slug(self, text: str) -> "Organization | None":
        """Return what an operator names; the id goes first, as anybody may choose a slug like it.

        None for what is neither.
        """
        by_id = super().looked_up(text.strip()).first()
        return by_id or self.by_slug(text.strip())

    def looked_up(self, text: str) -> Self:
        """By id, by the beginning of the slug, or by the whole address of an owner."""
        if "@" in text:
            person = _person(text)
            owner = {"membership__role": "owner", "membership__state": "active"}
            return self.filter(membership__user_id=person, **owner) if person else self.none()
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

    def leading(self, *, now: datetime) -> Self:
        """Keep those that lead to their organization: its own, and its earlier ones for a while."""
        return self.exclude(kept_until__lte=now)

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

    def check_owners(self) -> None:
        """Have the database check now that owners are left where some went, not at the commit.

        Raises IntegrityError.
        """
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS organization_keeps_an_owner IMMEDIATE")
            cursor.execute("SET CONSTRAINTS organization_keeps_an_owner DEFERRED")

    def holding(self, role: "CustomRole") -> Self:
        return self.filter(custom_role_id=role.pk)

    def listed(self) -> Self:
        """Whom the others see: active and suspended."""
        return self.filter(state__in=LISTED_STATES)

    def shown(self) -> Self:
        """Add what is shown of a member: `email`, `full_name` and `role_key_shown`.

        They are looked up for the rows that are shown. Joins would be made to count, too, which
        took two thirds of the time of the first page of a hundred thousand members.
        """
        person = User.objects.filter(pk=OuterRef("user_id"))
        roles: Any = self.model._meta.get_field("custom_role").related_model
        custom = roles.objects.filter(pk=OuterRef("custom_role_id"))
        return self.annotate(
            email=Subquery(person.values("email")),
            full_name=Subquery(person.values("full_name")),
            role_key_shown=Coalesce(Subquery(custom.values("key")), F("role")),
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
        return entry.find(self.model, user_id=user_id, organization_id=organization_id)

    def with_names(self) -> Self:
        """Load what the text of a membership is made of, and the role."""
        return self.select_related("user", "organization", "custom_role")

    def by_address(self, emails_normalized: Iterable[str]) -> "dict[str, Membership]":
        """Return who has, or had, a place with one of these addresses, by their address."""
        found = self.with_people().filter(user__email_normalized__in=list(emails_normalized))
        return {membership.user.email_normalized: membership for membership in found}

    def in_role(self, key: str) -> Self:
        """By what the API calls a role; no custom one is called like one of the four."""
        if key in SystemRole.values:
            return self.filter(role=key)
        return self.filter(role="custom", custom_role__key=key)

    def add_or_find(
        self, *, organization_id: UUID, user_id: UUID, **fields: Any
    ) -> "tuple[Membership, bool]":
        """Insert a membership unless the pair has one; return it, locked, and whether it is new."""
        new = self.model(organization_id=organization_id, user_id=user_id, **fields)
        self.bulk_create([new], ignore_conflicts=True)
        found = self.locked().get(organization_id=organization_id, user_id=user_id)
        return found, found.pk == new.pk

    def entries(self, pairs: Iterable[tuple[UUID, UUID]]) -> "dict[tuple[UUID, UUID], Membership]":
        """Return what `entry` does, for each (user, organization) whom something lets in."""
        users, organizations = (set(ids) for ids in zip(*pairs, strict=True))
        here = self.with_organization().active().in_present_organizations()
        rows = here.filter(user_id__in=users, organization_id__in=organizations)
        return {(row.user_id, row.organization_id): row for row in rows}

    def looked_up(self, text: str) -> Self:
        """Like any tenant's rows, or all of one person: id or whole address."""
        if "@" in text:
            person = _person(text)
            return self.filter(user_id=person) if person else self.none()
        found = super().looked_up(text)
        if found.query.is_empty() or found.exists():
            return found
        return self.filter(user_id=text)

    def user_ids(self) -> list[UUID]:
        return list(self.values_list("user_id", flat=True))

    def reassign(self, **columns: object) -> int:
        """Give every matching membership the role of these columns; return how many."""
        return self.update(**columns, updated_at=timezone.now())

    def organization_ids(self) -> list[UUID]:
        return list(self.values_list("organization_id", flat=True))


class OwnershipOfferRepository(TenantRepository["OwnershipOffer"]):
    def open(self) -> Self:
        """Neither accepted nor cancelled; possibly expired."""
        return self.filter(accepted_at=None, cancelled_at=None)

    def not_expired(self, *, now: datetime) -> Self:
        return self.filter(expires_at__gt=now)

    def latest_to(self, user_id: UUID) -> "OwnershipOffer | None":
        """Return the last offer that was made to somebody, whatever became of it."""
        return self.filter(user_id=user_id).order_by("-created_at", "-id").first()

    def concerning(self, user_id: UUID) -> Self:
        return self.filter(models.Q(user_id=user_id) | models.Q(offered_by_id=user_id))

    def with_names(self) -> Self:
        return self.select_related("organization", "offered_by", "user")

    def looked_up(self, text: str) -> Self:
        """Like any tenant's rows, or all that were made to one address."""
        if "@" in text:
            person = _person(text)
            return self.filter(user_id=person) if person else self.none()
        return super().looked_up(text)


def _person(email: str) -> UUID | None:
    """Return who has an address. To know that first is what lets the planner find theirs."""
    user = User.objects.by_email(email)
    return user.pk if user else None
