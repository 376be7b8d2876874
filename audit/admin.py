from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audit import readings
from audit.models import AuditEntry
from core.admin import BoundedAdmin


class ActionFilter(admin.ChoicesFieldListFilter):
    """Filters by the actions that the code knows; Django would read the table for those there."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield self._choice(changelist, None, "All")
        for action in readings.actions():
            yield self._choice(changelist, action, action)

    def _choice(self, changelist: Any, action: str | None, display: str) -> dict[str, Any]:
        change = {self.lookup_kwarg: action} if action else {}
        query = changelist.get_query_string(change, [] if action else [self.lookup_kwarg])
        chosen = list(self.lookup_val or ())
        selected = chosen == [action] if action else not chosen
        return {"selected": selected, "query_string": query, "display": display}


@admin.register(AuditEntry)
class AuditEntryAdmin(BoundedAdmin):
    """Everything that was recorded, for looking alone: also a superuser changes nothing here."""

    list_display = [
        "when", "action", "actor_kind", "actor_id", "target_id", "organization_id",
    ]  # fmt: skip
    list_filter = [("action", ActionFilter)]
    search_fields = ["organization_id", "actor_id", "request_id", "id"]
    search_help_text = (
        "Id or slug of an organization, id or whole address of a person, or a request id"
    )
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "when", "action", "actor_kind", "actor_id", "target_type", "target_id",
        "organization_id", "before", "after", "ip_address", "request_id",
    ]  # fmt: skip
    fields = tuple(readonly_fields)

    @admin.display(description="When (UTC)")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
