"""The form with which operators write to many."""

from typing import Any

from django import forms

from core.errors import InvalidError
from notifications.broadcasts.models import MAX_TITLE
from notifications.kinds import Type
from notifications.messages import MAX_BODY, MAX_LABEL, Message
from notifications.own_kinds import ANNOUNCEMENT
from organizations.models import Organization


class ComposeForm(forms.Form):
    organization = forms.CharField(
        required=False, help_text="Slug or id of an organization. Empty: everybody."
    )
    type = forms.ChoiceField(choices=Type.choices)
    title = forms.CharField(max_length=MAX_TITLE)
    body = forms.CharField(max_length=MAX_BODY, required=False, widget=forms.Textarea)
    action_label = forms.CharField(max_length=MAX_LABEL, required=False, label="Button")
    action_url = forms.CharField(
        required=False, label="Where it leads", help_text="https://… or a path of ours: /…"
    )
    include_later_joiners = forms.BooleanField(required=False, label="Also to those who join later")

    def clean_organization(self) -> Organization | None:
        text = self.cleaned_data["organization"].strip()
        found = Organization.objects.by_id_or_slug(text) if text else None
        if text and (found is None or found.is_deleted):
            raise forms.ValidationError("There is no such organization.")
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("action_label")) != bool(cleaned.get("action_url")):
            raise forms.ValidationError("A button needs a label and an address.")
        return cleaned

    @property
    def audience(self) -> str:
        """Name who gets it, for the preview."""
        place = self.cleaned_data["organization"]
        return f"Everybody in {place}" if place else "Everybody"

    def message(self) -> Message:
        said = self.cleaned_data
        label, url = said["action_label"], said["action_url"]
        place = said["organization"]
        return Message(
            "message" if place else ANNOUNCEMENT,
            title=said["title"],
            body=said["body"],
            type=said["type"],
            actions=[{"label": label, "url": url}] if label else [],
            organization_id=place.pk if place else None,
        )

    def refuse(self, error: InvalidError) -> None:
        for problem in error.problems:
            self.add_error(None, problem.detail)
