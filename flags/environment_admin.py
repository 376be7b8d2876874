"""Environments in the admin: whether changes take two people, and copying rules."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action as detail_action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from core.admin_actions import asking, each
from core.errors import DomainError
from flags.forms import author_of
from flags.models import Environment
from flags.services import definitions, environments
from organizations.admin import LookedAt

MISSING = "It is not there any more."


class CopyForm(forms.Form):
    source = forms.ChoiceField(
        label="Take the rules of", widget=UnfoldAdminSelectWidget, help_text="Of every flag."
    )
    with_targets = forms.BooleanField(
        label="People one by one as well",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Persons on the lists of those denied and allowed; else they stay as they are.",
    )
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For the history.",
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, target: Environment, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        others = [each.name for each in definitions.environments() if each.pk != target.pk]
        source: Any = self.fields["source"]
        source.choices = [(name, name) for name in others]


@admin.register(Environment)
class EnvironmentAdmin(LookedAt):
    list_display = ["name", "version", "demands_approval", "created_at"]
    search_fields = ["id"]
    search_help_text = "An id"
    ordering = ["-id"]
    fields = ("name", "version", "demands_approval", "created_at")
    readonly_fields = list(fields)
    actions = ["demand", "waive"]
    actions_detail = ("copy_here",)  # type: ignore[assignment]  # its stub takes none

    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("flags.approve"))

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("flags.manage"))

    @admin.action(description="Changes take two people", permissions=["approve"])
    @asking("Let changes here take two people? A kill goes on to need one.", button="Two people")
    def demand(self, request: HttpRequest, rows: Any) -> None:
        self._say(request, rows, demanded=True)

    @admin.action(description="Changes take one person", permissions=["approve"])
    @asking("Let one person be enough for changes here?", button="One person")
    def waive(self, request: HttpRequest, rows: Any) -> None:
        self._say(request, rows, demanded=False)

    def _say(self, request: HttpRequest, rows: Any, *, demanded: bool) -> None:
        common: dict[str, Any] = {"author": author_of(request), "now": timezone.now()}
        act = lambda row: environments.demand_approval(  # noqa: E731
            name=row.name, demanded=demanded, **common
        )
        each(self, request, rows, act, done="changed", missing=MISSING)

    @detail_action(  # type: ignore[operator]
        description="Copy rules here", url_path="copy", permissions=["manage"]
    )
    def copy_here(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask which environment's rules are meant, and take them over."""
        target = Environment.objects.by_id(object_id)
        first = {"seen_version": target.version}
        form = CopyForm(target, request.POST or None, initial=first)
        if form.is_valid() and self._copy(request, target, form.cleaned_data):
            return redirect(reverse("admin:flags_environment_change", args=[target.pk]))
        return TemplateResponse(
            request,
            "admin/flags/copy.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Copy rules into {target.name}",
                "form": form,
                "opts": self.model._meta,
                "target": target,
            },
        )

    def _copy(self, request: HttpRequest, target: Environment, given: dict[str, Any]) -> bool:
        try:
            done = environments.copy(
                source=given["source"],
                target=target.name,
                with_targets=given["with_targets"],
                expected_version=given["seen_version"],
                author=author_of(request, reason=given["reason"]),
                now=timezone.now(),
            )
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return False
        told = f"{len(done.changed)} changed, {done.unchanged} were the same already."
        planned = f" {len(done.planned)} wait for approval." if done.planned else ""
        self.message_user(request, told + planned)
        return True
