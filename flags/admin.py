from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action as detail_action

from core.admin_actions import asking, each
from core.errors import DomainError
from flags import (
    admin_records,  # noqa: F401  registers the other pages
    environment_admin,  # noqa: F401
    listing,
    segment_admin,  # noqa: F401
)
from flags.admin_base import ServiceAdmin
from flags.experiments import admin as experiments  # noqa: F401  registers its page
from flags.forms import ExplainForm, RulesForm, author_of
from flags.models import Flag, FlagRules
from flags.people import subject_of
from flags.plans import admin as plans_admin  # noqa: F401
from flags.plans import settling
from flags.repositories import FlagRepository, FlagRulesRepository
from flags.services import definitions, planning, rules
from flags.services.changes import own_environment
from flags.staleness import admin as staleness_admin  # noqa: F401

MISSING = "It is not there any more."
STATES = {"on": "On", "off": "Off", "killed": "Killed", "none": "Off"}


class ArchivedFilter(admin.SimpleListFilter):
    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Archived"), ("0", "In use")]

    def queryset(self, request: HttpRequest, queryset: Any) -> FlagRepository:
        flags = cast(FlagRepository, queryset)
        return {"1": flags.archived, "0": flags.present}.get(self.value() or "", flags.all)()


@admin.register(Flag)
class FlagAdmin(ServiceAdmin):
    """Every flag with its state where this installation asks."""

    list_display = ["name", "state", "rollout", "kind", "is_client_visible", "rules", "created_at"]
    list_filter = [ArchivedFilter]
    search_fields = ["name", "id"]
    search_help_text = "Beginning of a name, or an id"
    ordering = ["-created_at", "-id"]
    fields = (
        "name", "description", "kind", "owner", "is_client_visible", "is_org_overridable",
        "is_permanent", "impression_data", "persist_anonymous", "expires_at", "dependencies",
        "rules_everywhere",
        "changes", "archived_at",
    )  # fmt: skip
    autocomplete_fields = ["owner"]
    actions = ["kill", "unkill", "reshuffle", "archive", "restore"]
    actions_detail = ("explain",)  # type: ignore[assignment]  # its stub takes none

    def get_queryset(self, request: HttpRequest) -> FlagRepository:
        flags = cast(FlagRepository, super().get_queryset(request))
        here = own_environment()
        return flags.with_rules_in(here.pk if here else None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = ["rules_everywhere", "changes", "archived_at"]
        return shown if obj is None else ["name", *shown]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": str(request.user.pk)}

    def has_kill_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("flags.kill"))

    @admin.display(description="State")
    def state(self, flag: Any) -> str:
        name = _state(flag)
        return format_html('<span class="house-flag house-flag-{}">{}</span>', name, STATES[name])

    @admin.display(description="Rollout")
    def rollout(self, flag: Any) -> str:
        """A bar of the largest percentage, and the figure beside it."""
        if flag.strategies_here is None:
            return "-"
        share = listing.rollout(FlagRules(strategies=flag.strategies_here))
        whole = "By rules" if flag.strategies_here else "All"
        words = f"{share} %" if share is not None else whole
        width = share if share is not None else (0 if flag.strategies_here else 100)
        return format_html(
            '<meter class="house-meter" min="0" max="100" value="{}" title="{}"></meter> {}',
            width, words, words,
        )  # fmt: skip

    @admin.display(description="Rules")
    def rules(self, flag: Any) -> str:
        if flag.rules_here is None:
            return "-"
        address = reverse("admin:flags_flagrules_change", args=[flag.rules_here])
        return format_html('<a href="{}">Edit rules</a>', address)

    @admin.display(description="Rules by environment")
    def rules_everywhere(self, flag: Flag) -> str:
        rows = FlagRules.objects.of(flag.pk).with_environment().in_order()
        links = [
            format_html(
                '<a href="{}">{}: {}</a> ',
                reverse("admin:flags_flagrules_change", args=[row.pk]),
                row.environment.name,
                STATES[listing.state(row)],
            )
            for row in rows
        ]
        return format_html("{}" * len(links), *links) if links else "-"

    @admin.display(description="History")
    def changes(self, flag: Flag) -> str:
        address = reverse("admin:flags_flagchange_changelist")
        return format_html('<a href="{}?q={}">Every change of it</a>', address, flag.name)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        common: dict[str, Any] = {"author": author_of(request), "now": timezone.now()}
        given = {**form.cleaned_data, "owner_id": getattr(form.cleaned_data["owner"], "pk", None)}
        fields = {name: given[name] for name in definitions.SETTINGS}
        fields["dependencies"] = fields["dependencies"] or []
        if change:
            definitions.change(name=obj.name, **fields, **common)
            return
        made = definitions.create(name=obj.name, **fields, **common)
        obj.pk, obj._state.adding = made.pk, False

    @admin.action(description="Kill: off at once, whatever the rules say", permissions=["kill"])
    @asking("Kill these flags? They are off at once, for everybody.", button="Kill")
    def kill(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, rules.kill, done="killed")

    @admin.action(description="End the kill: exactly as before", permissions=["kill"])
    @asking("End the kill of these flags? They answer exactly as before.", button="End the kill")
    def unkill(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, rules.unkill, done="back as before")

    @admin.action(description="Reshuffle: deal everybody anew", permissions=["change"])
    @asking("Deal everybody anew? Others get these flags, at the same percentage.", button="Deal")
    def reshuffle(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, rules.reshuffle, done="dealt anew")

    @admin.action(description="Archive", permissions=["change"])
    @asking("Archive these flags? Code that asks gets its default.", button="Archive")
    def archive(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, definitions.archive, done="archived")

    @admin.action(description="Restore", permissions=["change"])
    @asking("Restore these flags, with the rules they had?", button="Restore")
    def restore(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, definitions.restore, done="restored")

    def _each(self, request: HttpRequest, rows: Any, service: Any, *, done: str) -> None:
        common = {"author": author_of(request), "now": timezone.now()}
        act = lambda flag: service(name=flag.name, **common)  # noqa: E731
        each(self, request, rows, act, done=done, missing=MISSING)

    @detail_action(description="Explain for a person", url_path="explain")  # type: ignore[operator]
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show step by step why somebody gets the answer they get."""
        flag = Flag.objects.by_id(object_id)
        form = ExplainForm(request.GET or None)
        found = None
        if form.is_valid():
            found = self._explained(request, flag, form.cleaned_data)
        return TemplateResponse(
            request,
            "admin/flags/explain.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Explain {flag.name}",
                "form": form,
                "found": found,
                "opts": self.model._meta,
                "flag": flag,
            },
        )

    def _explained(self, request: HttpRequest, flag: Flag, asked: dict[str, str]) -> Any:
        try:
            context = subject_of(asked["email"], asked["organization"])
            return listing.explained(flag.name, None, context)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return None


@admin.register(FlagRules)
class FlagRulesAdmin(ServiceAdmin):
    """What each flag answers in each environment."""

    form = RulesForm
    list_display = ["flag", "environment", "enabled", "killed_at", "updated_at"]
    list_select_related = ["flag", "environment"]
    search_fields = ["flag__name"]
    search_help_text = "Whole name of a flag"
    ordering = ["-id"]
    readonly_fields = ["flag", "environment", "killed_at"]
    fieldsets = [
        (None, {"fields": ["flag", "environment", "killed_at", "enabled", "seen_version"]}),
        ("Who gets it", {"fields": ["percentage", "users", "emails", "domains", "organizations"]}),
        ("When", {"fields": ["starts_at", "ends_at", "due_at"]}),
        ("All rules", {
            "classes": ["collapse"],
            "description": "As Unleash writes them; lists of people by field of the context.",
            "fields": ["strategies", "variants", "denied", "allowed"],
        }),
        ("Why", {"fields": ["reason"]}),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> FlagRulesRepository:
        rows = cast(FlagRulesRepository, super().get_queryset(request))
        return rows.with_flag().with_environment()

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            return None
        names = {"environment": found.environment.name, "flag": found.flag.name}
        is_new = settling.settle(now=timezone.now(), **names)
        return super().get_object(request, object_id, from_field) if is_new else found

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        common: dict[str, Any] = {
            "name": obj.flag.name,
            "environment": obj.environment.name,
            "author": author_of(request, reason=given["reason"]),
            "now": timezone.now(),
            "expected_version": given["seen_version"],
        }
        fields = {name: given[name] for name in rules.FIELDS}
        if given["due_at"] is None and not obj.environment.demands_approval:
            rules.change(**common, **fields)
            return
        held = FlagRules.objects.by_id(obj.pk)
        changed = {name: value for name, value in fields.items() if getattr(held, name) != value}
        obj.planned = planning.plan(due_at=given["due_at"], **common, **changed)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        made = getattr(obj, "planned", None)
        if made is None:
            return super().response_change(request, obj)
        told = f"{made}: {made.get_state_display().lower()}. Nothing has changed yet."
        self.message_user(request, told)
        return redirect(reverse("admin:flags_plannedchange_change", args=[made.pk]))


def _state(flag: Any) -> str:
    if flag.is_archived or flag.enabled_here is None:
        return "none"
    if flag.killed_here is not None:
        return "killed"
    return "on" if flag.enabled_here else "off"
