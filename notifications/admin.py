from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from core.admin import HappenedFilter
from core.admin_actions import asking, each
from core.api.exceptions import status_of
from core.errors import InvalidError
from notifications.composing import ComposeForm
from notifications.models import Broadcast, Delivery, Notification, Preference, PushDevice
from notifications.push import devices
from notifications.repositories import NotificationRepository
from notifications.services import broadcasting
from organizations.admin import LookedAt


@admin.register(Notification)
class NotificationAdmin(LookedAt):
    """What was told to whom, and what became of it. What it says is between those who know it."""

    list_display = [
        "created_at", "user", "kind", "type", "organization", "read_at", "archived_at", "mail",
    ]  # fmt: skip
    list_select_related = ["user", "organization"]
    search_fields = ["user__email_normalized", "id"]
    search_help_text = "Whole address of a person, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "id", "user", "kind", "type", "organization", "broadcast", "group_count", "is_listed",
        "seen_at", "read_at", "archived_at", "snoozed_until", "mail", "created_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> NotificationRepository:
        return cast(NotificationRepository, super().get_queryset(request)).with_places()


@admin.register(Broadcast)
class BroadcastAdmin(LookedAt):
    """What was sent to many. Compose one, see how it reads, then send it; recall a mistake."""

    list_display = [
        "title", "organization", "kind", "type", "include_later_joiners", "edited_at",
        "recalled_at", "created_at",
    ]  # fmt: skip
    list_filter = [("recalled_at", HappenedFilter)]
    list_select_related = ["organization"]
    search_fields = ["organization__slug", "id"]
    search_help_text = "Id or slug of an organization, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "id", "organization", "kind", "type", "title", "body", "actions", "include_later_joiners",
        "sent_by_id", "edited_at", "recalled_at", "created_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["recall"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_operation_permission(request)

    @admin.action(description="Recall", permissions=["operation"])
    @asking(
        "Recall these broadcasts? Whoever has not read them does not get to see them.",
        button="Recall",
    )
    def recall(self, request: HttpRequest, rows: Any) -> None:
        now = timezone.now()
        each(
            self,
            request,
            rows,
            lambda row: broadcasting.recall(broadcast_id=row.pk, actor_id=None, now=now),
            done="recalled",
            missing="It is gone.",
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask what to say; show how it reads; send it when that is confirmed."""
        if not self.has_add_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        form = ComposeForm(request.POST or None)
        ready = form.is_valid()
        if ready and "confirmed" in request.POST:
            return self._send(request, form)
        return self._page(request, form, is_preview=ready and "change" not in request.POST)

    def _send(self, request: HttpRequest, form: ComposeForm) -> HttpResponse:
        try:
            sent = broadcasting.broadcast(
                form.message(),
                include_later_joiners=form.cleaned_data["include_later_joiners"],
                now=timezone.now(),
            )
        except InvalidError as error:
            form.refuse(error)
            return self._page(request, form, is_preview=False, status=status_of(error))
        self.message_user(request, f"{sent} is on its way.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:notifications_broadcast_changelist"))

    def _page(
        self, request: HttpRequest, form: ComposeForm, *, is_preview: bool, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Send this?" if is_preview else "Write to many",
            "form": form,
            "is_preview": is_preview,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/compose.html", context, status=status)


@admin.register(Preference)
class PreferenceAdmin(LookedAt):
    """What people want where, for when one asks why nothing came."""

    list_display = ["user", "organization", "kind", "channel", "enabled", "updated_at"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__email_normalized", "id"]
    search_help_text = "Whole address of a person, or an id"
    ordering = ["-id"]
    readonly_fields = ["user", "organization", "kind", "channel", "enabled", "updated_at"]
    fields = tuple(readonly_fields)


@admin.register(Delivery)
class DeliveryAdmin(LookedAt):
    """When people want mails, and when they want quiet."""

    list_display = ["user", "mails", "digest_hour", "quiet_from", "quiet_until", "next_digest_at"]
    list_select_related = ["user"]
    search_fields = ["user__email_normalized"]
    search_help_text = "Whole address of a person, or their id"
    ordering = ["-user_id"]
    readonly_fields = [
        "user", "mails", "digest_hour", "quiet_from", "quiet_until", "next_digest_at",
    ]  # fmt: skip
    fields = tuple(readonly_fields)


@admin.register(PushDevice)
class PushDeviceAdmin(LookedAt):
    """The browsers and phones that notifications go to. Where they are reached is not shown:
    whoever knows it could send to them.
    """

    list_display = [
        "created_at", "user", "kind", "device", "last_used_at", "ended_at", "end_reason",
    ]  # fmt: skip
    list_select_related = ["user"]
    search_fields = ["user__email_normalized", "id"]
    search_help_text = "Whole address of a person, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "id", "user", "kind", "device", "created_at", "last_used_at", "ended_at", "end_reason",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["end"]

    @admin.action(description="End", permissions=["operation"])
    @asking(
        "End these devices? Nothing more is pushed to them, until their people ask for it again.",
        button="End",
    )
    def end(self, request: HttpRequest, rows: Any) -> None:
        now = timezone.now()
        each(
            self,
            request,
            rows,
            lambda row: devices.end(device_id=row.pk, reason="ended by operators", now=now),
            done="ended",
            missing="It was ended before.",
        )
