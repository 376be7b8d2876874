import difflib
import json
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action

from accounts.models import User
from core.admin import BoundedAdmin
from core.admin_actions import asking, each
from core.errors import DomainError
from flags import listing
from flags.forms import ExplainForm, RulesForm
from flags.models import Environment, Flag, FlagChange, FlagKey, FlagRules, Segment
from flags.people import subject_of
from flags.repositories import FlagChangeRepository, FlagRepository, FlagRulesRepository
from flags.services import definitions, history, keys, rules
from flags.services.changes import Author
from organizations.admin import LookedAt

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


class ServiceAdmin(BoundedAdmin):
    """A page whose form is saved by a service, which writes history and tells everybody."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **options)
        except DomainError as error:
            told = [error.message, *(each.detail for each in getattr(error, "problems", []))]
            self.message_user(request, " ".join(told), messages.ERROR)
            return redirect(request.get_full_path())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The history of flags has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The history of flags has it."""


@admin.register(Flag)
class FlagAdmin(ServiceAdmin):
    """Every flag with its state where this installation asks."""

    list_display = ["name", "state", "rollout", "kind", "is_client_visible", "rules", "created_at"]
    list_filter = [ArchivedFilter]
    search_fields = ["name", "id"]
    search_help_text = "Beginning of a name, or an id"
    ordering = ["-created_at", "-id"]
    fields = (
        "name", "description", "kind", "is_client_visible", "is_org_overridable", "is_permanent",
        "impression_data", "expires_at", "dependencies", "rules_everywhere", "changes",
        "archived_at",
    )  # fmt: skip
    actions = ["kill", "unkill", "archive", "restore"]
    actions_detail = ["explain"]

    def get_queryset(self, request: HttpRequest) -> FlagRepository:
        flags = cast(FlagRepository, super().get_queryset(request))
        return flags.with_rules_in(settings.FLAGS_ENVIRONMENT)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = ["rules_everywhere", "changes", "archived_at"]
        return shown if obj is None else ["name", *shown]

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
        common: dict[str, Any] = {"author": _author(request), "now": timezone.now()}
        fields = {name: form.cleaned_data[name] for name in definitions.SETTINGS}
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

    @admin.action(description="Archive", permissions=["change"])
    @asking("Archive these flags? Code that asks gets its default.", button="Archive")
    def archive(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, definitions.archive, done="archived")

    @admin.action(description="Restore", permissions=["change"])
    @asking("Restore these flags, with the rules they had?", button="Restore")
    def restore(self, request: HttpRequest, rows: Any) -> None:
        self._each(request, rows, definitions.restore, done="restored")

    def _each(self, request: HttpRequest, rows: Any, service: Any, *, done: str) -> None:
        common = {"author": _author(request), "now": timezone.now()}
        act = lambda flag: service(name=flag.name, **common)  # noqa: E731
        each(self, request, rows, act, done=done, missing=MISSING)

    @action(description="Explain for a person", url_path="explain")  # type: ignore[untyped-decorator]
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
        ("When", {"fields": ["starts_at", "ends_at"]}),
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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        rules.change(
            name=obj.flag.name,
            environment=obj.environment.name,
            author=_author(request, reason=form.cleaned_data["reason"]),
            now=timezone.now(),
            expected_version=form.cleaned_data["seen_version"],
            **{name: form.cleaned_data[name] for name in rules.FIELDS},
        )


@admin.register(FlagChange)
class FlagChangeAdmin(LookedAt):
    """The history of flags and segments, the latest first."""

    list_display = [
        "created_at", "name", "action", "environment_name", "actor_name", "source", "reason",
    ]  # fmt: skip
    search_fields = ["name"]
    search_help_text = "Whole name of a flag or segment"
    ordering = ["-created_at", "-id"]
    readonly_fields = [
        "created_at", "name", "environment_name", "action", "actor_name", "source", "reason",
        "difference",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["revert"]

    @admin.display(description="What changed")
    def difference(self, entry: FlagChange) -> str:
        lines = list(difflib.unified_diff(_text(entry.before), _text(entry.after), lineterm=""))[2:]
        return format_html('<pre class="house-diff">{}</pre>', "\n".join(lines) or "Nothing.")

    @admin.action(description="Go back to this state", permissions=["operation"])
    @asking("Make things as they were after these changes?", button="Go back")
    def revert(self, request: HttpRequest, rows: FlagChangeRepository) -> None:
        author, now = _author(request, reason="went back in the admin"), timezone.now()

        def act(entry: FlagChange) -> None:
            history.revert(change_id=entry.pk, author=author, now=now, confirm=True)

        each(self, request, rows, act, done="restored as a new version", missing=MISSING)


@admin.register(Segment)
class SegmentAdmin(LookedAt):
    """Constraints that many flags share; the API changes them, and asks before it does."""

    list_display = ["name", "description", "id", "updated_at"]
    search_fields = ["name"]
    search_help_text = "Beginning of a name"
    ordering = ["-id"]
    fields = ("name", "description", "id", "constraints", "version", "updated_at")
    readonly_fields = list(fields)


@admin.register(Environment)
class EnvironmentAdmin(LookedAt):
    list_display = ["name", "version", "created_at"]
    search_fields = ["id"]
    search_help_text = "An id"
    ordering = ["-id"]
    fields = ("name", "version", "created_at")
    readonly_fields = list(fields)


@admin.register(FlagKey)
class FlagKeyAdmin(LookedAt):
    """Keys of SDKs. The API and `create_api_key` make them, and show them once."""

    list_display = ["name", "prefix", "environment", "organization", "revoked_at", "created_at"]
    list_select_related = ["environment", "organization"]
    search_fields = ["id"]
    search_help_text = "An id"
    ordering = ["-id"]
    fields = ("name", "prefix", "environment", "organization", "revoked_at", "created_at")
    readonly_fields = list(fields)
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["operation"])
    @asking("Revoke these keys? Their next request is refused.", button="Revoke")
    def revoke(self, request: HttpRequest, rows: Any) -> None:
        author, now = _author(request), timezone.now()
        act = lambda key: keys.revoke(key_id=key.pk, author=author, now=now)  # noqa: E731
        each(self, request, rows, act, done="revoked", missing=MISSING)


def _state(flag: Any) -> str:
    if flag.is_archived or flag.enabled_here is None:
        return "none"
    if flag.killed_here is not None:
        return "killed"
    return "on" if flag.enabled_here else "off"


def _author(request: HttpRequest, *, reason: str = "") -> Author:
    return Author.person(cast(User, request.user), reason=reason)


def _text(state: Any) -> list[str]:
    return json.dumps(state, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
