"""Changes that wait: who planned what for when, and what somebody else decides about it."""

import difflib
import json
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from core.admin_actions import asking, each
from flags.forms import author_of
from flags.models import FlagRules
from flags.plans.models import PlannedChange
from flags.plans.repositories import PlannedChangeRepository
from flags.services import planning, rules
from organizations.admin import LookedAt

MISSING = "It is not there any more."
MARKS = {"applied": "on", "scheduled": "on", "conflict": "killed", "rejected": "killed"}


class WaitingFilter(admin.SimpleListFilter):
    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Waiting"), ("0", "Over")]

    def queryset(self, request: HttpRequest, queryset: Any) -> PlannedChangeRepository:
        plans = cast(PlannedChangeRepository, queryset)
        return {"1": plans.waiting, "0": plans.ended}.get(self.value() or "", plans.all)()


@admin.register(PlannedChange)
class PlannedChangeAdmin(LookedAt):
    """Planned in the rules of a flag; approved here, by somebody else where that is asked for."""

    list_display = ["flag", "environment", "where_it_stands", "due", "author_name", "created_at"]
    list_select_related = ["flag", "environment"]
    list_filter = [WaitingFilter]
    search_fields = ["flag__name"]
    search_help_text = "Whole name of a flag, or an id"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "flag", "environment", "where_it_stands", "due", "difference", "reason", "author_name",
        "created_at", "decided_by_name", "ended_at", "why_ended",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["approve", "reject", "cancel"]

    def get_queryset(self, request: HttpRequest) -> PlannedChangeRepository:
        return cast(PlannedChangeRepository, super().get_queryset(request)).with_names()

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("flags.approve"))

    @admin.display(description="State")
    def where_it_stands(self, plan: PlannedChange) -> str:
        mark = MARKS.get(plan.state, "off")
        words = plan.get_state_display()
        return format_html('<span class="house-flag house-flag-{}">{}</span>', mark, words)

    @admin.display(description="Takes effect")
    def due(self, plan: PlannedChange) -> str:
        if plan.due_at is None:
            return "Once approved"
        return f"{plan.due_at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description="What changes")
    def difference(self, plan: PlannedChange) -> str:
        """Compare with what the rules are now; of one that is over, tell the new values alone."""
        before: dict[str, Any] = {}
        if plan.is_waiting:
            row = FlagRules.objects.of(plan.flag_id).within(plan.environment_id).only_one()
            before = {name: rules.state(row)[name] for name in plan.changes}
        lines = list(difflib.unified_diff(_text(before), _text(plan.changes), lineterm=""))[2:]
        return format_html('<pre class="house-diff">{}</pre>', "\n".join(lines) or "Nothing.")

    @admin.action(description="Approve", permissions=["approve"])
    @asking("Approve these changes? They hold at their time, or at once.", button="Approve")
    def approve(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, planning.approve, done="approved")

    @admin.action(description="Reject", permissions=["approve"])
    @asking("Reject these changes? Whoever planned them is told.", button="Reject")
    def reject(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, planning.reject, done="rejected")

    @admin.action(description="Take back", permissions=["operation"])
    @asking("Take these changes back? Nothing of them will happen.", button="Take back")
    def cancel(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, planning.cancel, done="taken back")

    def _each(self, request: HttpRequest, rows: Any, service: Any, *, done: str) -> None:
        author, now = author_of(request), timezone.now()
        act = lambda plan: service(plan_id=plan.pk, author=author, now=now)  # noqa: E731
        each(self, request, rows, act, done=done, missing=MISSING)


def _text(state: Any) -> list[str]:
    return json.dumps(state, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
