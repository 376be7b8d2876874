from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User, UserSession
from accounts.repositories import UserRepository, UserSessionRepository
from accounts.services import activation, registration, sessions
from core.admin import BoundedAdmin, HappenedFilter
from core.admin_actions import asking


@admin.register(User)
class UserAdmin(BoundedAdmin):
    """People, newest first: for looking, and for what support is asked to do.

    Nothing shows a password, a token or a link, and nothing is changed past the services.
    """

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
        "deletion_due_at", "created_at", "updated_at", "sessions",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["end_sessions", "resend_verification", "deactivate", "reactivate"]

    @admin.display(description="Sessions")
    def sessions(self, user: User) -> str:
        address = reverse("admin:accounts_usersession_changelist")
        return format_html('<a href="{}?q={}">Sessions of this person</a>', address, user.pk)

    @admin.action(description="End all sessions", permissions=["activation"])
    @asking("End all sessions of these people?", button="End their sessions")
    def end_sessions(self, request: HttpRequest, rows: UserRepository) -> None:
        count = activation.end_sessions(user_ids=rows.ids(), now=timezone.now())
        self.message_user(request, f"{_counted(count, 'session')} ended.")

    @admin.action(description="Mail the verification link again", permissions=["activation"])
    def resend_verification(self, request: HttpRequest, rows: UserRepository) -> None:
        waiting = rows.unproved().emails()
        for email in waiting:
            registration.resend_verification(email=email, now=timezone.now())
        self.message_user(request, f"{_counted(len(waiting), 'link')} will be mailed.")

    @admin.action(description="Deactivate, ending all sessions", permissions=["activation"])
    @asking("Deactivate these people, ending all their sessions?", button="Deactivate")
    def deactivate(self, request: HttpRequest, rows: UserRepository) -> None:
        others = [pk for pk in rows.ids() if pk != request.user.pk]
        count = activation.deactivate(user_ids=others, now=timezone.now())
        self.message_user(request, f"{_counted(count, 'account')} deactivated.")

    @admin.action(description="Reactivate", permissions=["activation"])
    def reactivate(self, request: HttpRequest, rows: UserRepository) -> None:
        count = activation.reactivate(user_ids=rows.ids())
        self.message_user(request, f"{_counted(count, 'account')} reactivated.")

    def has_activation_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


@admin.register(UserSession)
class UserSessionAdmin(BoundedAdmin):
    """Who is signed in where: for looking, and for ending."""

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

    actions = ("end",)

    @admin.action(description="End these sessions", permissions=["ending"])
    @asking("End these sessions?", button="End them")
    def end(self, request: HttpRequest, rows: UserSessionRepository) -> None:
        now = timezone.now()
        ids = rows.open(now=now).ids()
        for session_id in ids:
            sessions.end_session(session_id=session_id, reason="ended by an operator", now=now)
        self.message_user(request, f"{_counted(len(ids), 'session')} ended.")

    def has_ending_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_usersession")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False
