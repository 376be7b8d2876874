from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.repositories import UserRepository
from accounts.services import activation
from core.admin import BoundedAdmin, HappenedFilter


@admin.register(User)
class UserAdmin(BoundedAdmin):
    """People, newest first: for looking, and for shutting an account. Nothing shows a password."""

    list_display = [
        "email",
        "full_name",
        "email_verified_at",
        "is_active",
        "is_staff",
        "created_at",
    ]
    list_filter = ["is_active", "is_staff", ("email_verified_at", HappenedFilter)]
    search_fields = ["email_normalized", "full_name", "id"]
    search_help_text = "Beginning of an address or a name, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "email", "full_name", "language", "time_zone", "is_active", "is_staff", "email_verified_at",
        "created_at", "updated_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["deactivate", "reactivate"]

    @admin.action(description="Deactivate, ending all sessions", permissions=["activation"])
    def deactivate(self, request: HttpRequest, rows: UserRepository) -> None:
        others = [pk for pk in rows.ids() if pk != request.user.pk]
        count = activation.deactivate(user_ids=others, now=timezone.now())
        self.message_user(request, f"{_accounts(count)} deactivated.")

    @admin.action(description="Reactivate", permissions=["activation"])
    def reactivate(self, request: HttpRequest, rows: UserRepository) -> None:
        count = activation.reactivate(user_ids=rows.ids())
        self.message_user(request, f"{_accounts(count)} reactivated.")

    def has_activation_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"


@admin.register(UserSession)
class UserSessionAdmin(BoundedAdmin):
    """Who is signed in where; for looking only."""

    list_display = ["user", "device", "ip_address", "created_at", "last_seen_at", "ended_at"]
    list_filter = [("ended_at", HappenedFilter)]
    list_select_related = ["user"]
    search_fields = ["user__email_normalized", "ip_address", "user__id", "id"]
    search_help_text = "Whole email address, IP address, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "user", "device", "ip_address", "created_at", "last_seen_at", "expires_at", "ended_at",
        "end_reason",
    ]  # fmt: skip
    fields = tuple(readonly_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False
