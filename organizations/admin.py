from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from core.admin import BoundedAdmin, HappenedFilter
from core.admin_actions import asking, each
from core.repositories import count_up_to
from organizations.models import CustomRole, Membership, Organization, OwnershipOffer
from organizations.repositories import (
    MembershipRepository,
    OrganizationRepository,
    OwnershipOfferRepository,
)
from organizations.services import lifecycle, members

COUNTED = 1_000
REASON = "Suspended in the admin"


class DeletedFilter(HappenedFilter):
    """Its column says when an organization goes; the question is whether it does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "deleted"


class LookedAt(BoundedAdmin):
    """Pages where nothing is changed past the services."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operation_permission(self, request: HttpRequest) -> bool:
        model = self.model._meta
        return bool(request.user.has_perm(f"{model.app_label}.change_{model.model_name}"))


@admin.register(Organization)
class OrganizationAdmin(LookedAt):
    """Tenants, newest first: for looking, and for what operators decide about them."""

    list_display = ["name", "slug", "suspended_at", "purge_due", "created_at"]
    list_filter = [("suspended_at", HappenedFilter), ("deletion_due_at", DeletedFilter)]
    search_fields = ["slug", "membership__user__email_normalized", "id"]
    search_help_text = "Beginning of a slug, whole address of an owner, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "name", "slug", "id", "created_by", "created_at", "updated_at", "suspended_at",
        "suspension_reason", "purge_due", "deletion_follows", "members", "roles",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["suspend", "lift", "delete", "restore"]

    @admin.display(description="Purge due", ordering="deletion_due_at")
    def purge_due(self, organization: Organization) -> datetime | None:
        return organization.deletion_due_at

    @admin.display(description="Members")
    def members(self, organization: Organization) -> str:
        here = Membership.objects.for_organization(organization.pk).listed()
        count = count_up_to(here, COUNTED + 1)
        words = f"More than {COUNTED:,}" if count > COUNTED else f"{count:,}"
        return _link(Membership, organization, f"{words} {'member' if count == 1 else 'members'}")

    @admin.display(description="Custom roles")
    def roles(self, organization: Organization) -> str:
        return _link(CustomRole, organization, "Roles of its own")

    @admin.action(description="Suspend: it can only be read", permissions=["operation"])
    @asking("Suspend these organizations? They can then only be read.", button="Suspend")
    def suspend(self, request: HttpRequest, rows: OrganizationRepository) -> None:
        now = timezone.now()
        self._each(
            request,
            rows,
            lambda pk: lifecycle.suspend(organization_id=pk, reason=REASON, now=now),
            done="suspended",
        )

    @admin.action(description="Lift the suspension", permissions=["operation"])
    @asking("Lift the suspension of these organizations?", button="Lift")
    def lift(self, request: HttpRequest, rows: OrganizationRepository) -> None:
        self._each(
            request,
            rows,
            lambda pk: lifecycle.reinstate(organization_id=pk),
            done="not suspended any more",
        )

    @admin.action(description="Delete: restorable for 30 days", permissions=["operation"])
    @asking(
        "Delete these organizations? All access ends now. They can be restored for 30 days.",
        button="Delete",
    )
    def delete(self, request: HttpRequest, rows: OrganizationRepository) -> None:
        now = timezone.now()
        self._each(
            request,
            rows,
            lambda pk: lifecycle.delete(organization_id=pk, actor_id=None, now=now),
            done="deleted",
        )

    @admin.action(description="Restore", permissions=["operation"])
    @asking("Restore these organizations, members and roles as they were?", button="Restore")
    def restore(self, request: HttpRequest, rows: OrganizationRepository) -> None:
        now = timezone.now()
        self._each(
            request,
            rows,
            lambda pk: lifecycle.restore(organization_id=pk, now=now),
            done="restored",
        )

    def _each(
        self,
        request: HttpRequest,
        rows: OrganizationRepository,
        act: Callable[[UUID], object],
        *,
        done: str,
    ) -> None:
        each(
            self,
            request,
            rows,
            lambda row: act(row.pk),
            done=done,
            missing="It is deleted. Restore it first.",
        )


@admin.register(Membership)
class MembershipAdmin(LookedAt):
    """Who belongs where, newest first, those who left included."""

    list_display = ["user", "organization", "role_name", "state", "joined_at"]
    list_display_links = ["user"]
    list_filter = ["state"]
    list_select_related = ["user", "organization", "custom_role"]
    search_fields = ["user__email_normalized", "organization__slug", "id"]
    search_help_text = "Whole email address, whole slug of an organization, or an id of either"
    ordering = ["-id"]
    readonly_fields = [
        "user", "organization", "role_name", "state", "joined_at", "removed_at", "created_at",
        "updated_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["suspend", "reinstate", "remove"]

    @admin.display(description="Role")
    def role_name(self, membership: Membership) -> str:
        custom = membership.custom_role
        return custom.name if custom else membership.get_role_display()

    def get_queryset(self, request: HttpRequest) -> MembershipRepository:
        return cast(MembershipRepository, super().get_queryset(request)).with_names()

    @admin.action(description="Suspend: no access, place and role stay", permissions=["operation"])
    @asking("Take these members' access away? Place and role stay.", button="Suspend")
    def suspend(self, request: HttpRequest, rows: MembershipRepository) -> None:
        self._each(request, rows, members.suspend, done="suspended", now=timezone.now())

    @admin.action(description="Reinstate", permissions=["operation"])
    @asking("Give these suspended members their access back?", button="Reinstate")
    def reinstate(self, request: HttpRequest, rows: MembershipRepository) -> None:
        self._each(request, rows, members.reinstate, done="active")

    @admin.action(description="Remove from the organization", permissions=["operation"])
    @asking("Remove these members from their organizations?", button="Remove")
    def remove(self, request: HttpRequest, rows: MembershipRepository) -> None:
        self._each(request, rows, members.remove, done="removed", now=timezone.now())

    def _each(
        self,
        request: HttpRequest,
        rows: MembershipRepository,
        service: Callable[..., object],
        *,
        done: str,
        **more: Any,
    ) -> None:
        def act(row: Membership) -> None:
            place = {"organization_id": row.organization_id, "user_id": row.user_id}
            service(actor_id=None, **place, **more)

        missing = "They have no place there, or the organization is deleted."
        each(self, request, rows, act, done=done, missing=missing)


@admin.register(CustomRole)
class CustomRoleAdmin(LookedAt):
    """Roles that organizations made for themselves."""

    list_display = ["name", "key", "organization", "created_at"]
    list_select_related = ["organization"]
    search_fields = ["organization__slug", "id"]
    search_help_text = "Whole slug of an organization, its id, or the id of a role"
    ordering = ["-id"]
    readonly_fields = ["name", "key", "organization", "permissions", "created_at", "updated_at"]
    fields = tuple(readonly_fields)


@admin.register(OwnershipOffer)
class OwnershipOfferAdmin(LookedAt):
    """Who offered the ownership of what to whom."""

    list_display = [
        "organization", "offered_by", "user", "expires_at", "accepted_at", "cancelled_at",
    ]  # fmt: skip
    list_select_related = ["organization", "offered_by", "user"]
    search_fields = ["organization__slug", "user__email_normalized", "id"]
    search_help_text = "Whole slug of an organization, whole address of who is asked, or an id"
    ordering = ["-id"]
    readonly_fields = [
        "organization", "offered_by", "user", "expires_at", "accepted_at", "cancelled_at",
        "created_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> OwnershipOfferRepository:
        return cast(OwnershipOfferRepository, super().get_queryset(request)).with_names()


def _link(model: type[Membership | CustomRole], organization: Organization, words: str) -> str:
    address = reverse(f"admin:organizations_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?q={}">{}</a>', address, organization.pk, words)
