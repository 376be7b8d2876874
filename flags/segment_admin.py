"""Segments in the admin: whoever changes one sees first which flags that concerns."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from core.admin_actions import asking, each
from core.errors import InvalidError
from flags import validation
from flags.admin_base import ServiceAdmin
from flags.forms import author_of, legible_json
from flags.models import Flag, Segment
from flags.services import segments

MISSING = "It is not there any more."


class SegmentForm(forms.ModelForm[Segment]):
    constraints = legible_json()
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For the history.",
    )
    confirm = forms.BooleanField(
        label="These flags are meant to change",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Needed for other constraints, where flags use the segment.",
    )

    class Meta:
        model = Segment
        fields = ("name", "description", "constraints")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field, attribute in (("seen_version", "version"), ("constraints", "constraints")):
            self.fields[field].initial = getattr(self.instance, attribute)
        self.fields["description"].required = False

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if "constraints" in found:
            found["constraints"] = found["constraints"] or []
            self._judge(found["constraints"])
        if not self.errors and self.instance.pk:
            self._compare(found)
        return found

    def _judge(self, constraints: Any) -> None:
        try:
            validation.constraints(constraints)
        except InvalidError as error:
            for problem in error.problems:
                self.add_error("constraints", f"{problem.pointer}: {problem.detail}")

    def _compare(self, found: dict[str, Any]) -> None:
        if found["seen_version"] != self.instance.version:
            raise forms.ValidationError(
                "Somebody changed this segment while you did. Nothing was saved; open it again."
            )
        users = segments.users_of(self.instance.pk)
        if "constraints" in self.changed_data and users and not found["confirm"]:
            count = "1 flag" if len(users) == 1 else f"{len(users)} flags"
            words = f"This changes {count}: {', '.join(users)}. Tick this if that is meant."
            self.add_error("confirm", words)


@admin.register(Segment)
class SegmentAdmin(ServiceAdmin):
    """Constraints that many flags share."""

    form = SegmentForm
    list_display = ["name", "description", "id", "updated_at"]
    search_fields = ["name"]
    search_help_text = "Beginning of a name"
    ordering = ["-id"]
    readonly_fields = ["used_by", "updated_at"]
    fieldsets = [
        (None, {"fields": ["name", "description", "constraints", "seen_version"]}),
        ("Whom it concerns", {"fields": ["used_by", "confirm"]}),
        ("Why", {"fields": ["reason", "updated_at"]}),
    ]
    actions = ["delete_unused"]

    @admin.display(description="Flags that use it")
    def used_by(self, segment: Segment) -> str:
        """Name every flag whose answers change with it, in whichever environment."""
        names = segments.users_of(segment.pk) if segment.pk else []
        found = Flag.objects.named(names).by_names()
        links = [
            (reverse("admin:flags_flag_change", args=[found[name].pk]), name) for name in names
        ]
        if not links:
            return "None."
        listed = format_html_join(", ", '<a href="{}">{}</a>', links)
        return format_html("{} in all: {}", len(links), listed)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        author = author_of(request, reason=given["reason"])
        fields = {name: given[name] for name in ("name", "description", "constraints")}
        if not change:
            made = segments.create(author=author, now=timezone.now(), **fields)
            obj.pk, obj._state.adding = made.pk, False
            return
        segments.change(
            segment_id=obj.pk,
            author=author,
            now=timezone.now(),
            expected_version=given["seen_version"],
            confirm=given["confirm"],
            **fields,
        )

    @admin.action(description="Delete those that no flag uses", permissions=["change"])
    @asking("Delete these segments? Those that flags use stay.", button="Delete")
    def delete_unused(self, request: HttpRequest, rows: Any) -> None:
        author, now = author_of(request), timezone.now()
        act = lambda row: segments.delete(segment_id=row.pk, author=author, now=now)  # noqa: E731
        each(self, request, rows, act, done="deleted", missing=MISSING)
