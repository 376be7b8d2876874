from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import User, UserSession


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People, newest first. Nothing here shows or sets a password."""

    list_display = [
        "email",
        "full_name",
        "email_verified_at",
        "is_active",
        "is_staff",
        "created_at",
    ]
    list_filter = ["is_active", "is_staff", ("email_verified_at", admin.EmptyFieldListFilter)]
    search_fields = ["email_normalized", "full_name"]
    ordering = ["-created_at", "-id"]
    show_full_result_count = False
    fields = [
        "email", "full_name", "language", "time_zone", "is_active", "is_staff", "email_verified_at",
        "created_at", "updated_at",
    ]  # fmt: skip
    readonly_fields = ["email", "is_active", "email_verified_at", "created_at", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(UserSession)
class UserSessionAdmin(ModelAdmin):
    """Who is signed in where; for looking only."""

    list_display = ["user", "device", "ip_address", "created_at", "last_seen_at", "ended_at"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["user__email_normalized", "ip_address"]
    ordering = ["-created_at", "-id"]
    show_full_result_count = False
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
