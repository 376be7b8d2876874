"""The forms of the admin: what is common in words, and the whole of it as JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import User
from core.errors import InvalidError
from flags import validation
from flags.documents import DOMAINS, ORGANIZATION
from flags.models import FlagRules, Segment
from flags.services.changes import Author
from flags.services.rules import ROLLOUT

LISTS = {
    "users": ("userId", "Ids of people"),
    "emails": ("email", "Whole addresses"),
    "domains": (DOMAINS, "Of addresses: example.com"),
    "organizations": (ORGANIZATION, "Ids of organizations"),
}
"""Simple fields to what `allowed` calls them, and their help."""
WHOLE = ("strategies", "variants", "denied", "allowed")


class LegibleJSONField(forms.JSONField):
    """JSON as people read it."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, forms.fields.InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


def legible_json() -> LegibleJSONField:
    return LegibleJSONField(required=False, widget=UnfoldAdminTextareaWidget)


class RulesForm(forms.ModelForm[FlagRules]):
    """Rules of one flag in one environment. What is simple is written into the JSON below it; where
    both were changed, the JSON counts alone and the simple fields are refused.
    """

    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For the history.",
    )
    percentage = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of all people, up to three decimals; empty for everybody. Whoever has it keeps "
        "it while this grows.",
    )
    users = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget)
    emails = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget)
    domains = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget)
    organizations = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget)

    due_at = forms.SplitDateTimeField(
        label="Take effect at",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="In UTC. Empty: at once. If somebody changes these rules before, or kills the "
        "flag, this change is not made, and you are told.",
    )

    strategies, variants, denied, allowed = (legible_json() for _ in WHOLE)

    class Meta:
        model = FlagRules
        fields = ("enabled", *WHOLE, "starts_at", "ends_at")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rules = self.instance
        self.fields["seen_version"].initial = rules.version
        for name, (key, words) in LISTS.items():
            self.fields[name].initial = "\n".join(rules.allowed.get(key) or [])
            self.fields[name].help_text = f"{words}, one a line. They get it in any case."
            self.fields[name].widget.attrs["rows"] = 3
        if rules.environment_id and rules.environment.demands_approval:
            self.fields[
                "enabled"
            ].help_text = (
                "Changes here take two people: what you save waits for somebody else's approval."
            )
        share = simple_share(rules.strategies)
        self.fields["percentage"].initial = share or ""
        if share is None:
            self.fields["percentage"].disabled = True
            self.fields["percentage"].help_text = "These rules say more: see the strategies below."

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        for name in WHOLE:
            if name in found and found[name] is None:
                found[name] = [] if name in {"strategies", "variants"} else {}
        if self.errors:
            return found
        if found["seen_version"] != self.instance.version:
            raise forms.ValidationError(
                "Somebody changed these rules while you did. Nothing was saved; open them again."
            )
        if found.get("due_at") is not None and found["due_at"] <= timezone.now():
            self.add_error("due_at", "This time is past. Leave it empty for at once.")
        self._simple(found)
        self._judge(found)
        return found

    def _simple(self, found: dict[str, Any]) -> None:
        changed = set(self.changed_data)
        if {"percentage", "strategies"} <= changed:
            self.add_error("percentage", "Change this or the strategies, not both.")
        elif "percentage" in changed:
            share = found["percentage"].strip()
            found["strategies"] = strategies_of(share, self.instance)
        if changed & LISTS.keys() and "allowed" in changed:
            self.add_error(None, "Change the lists or the JSON of allowed, not both.")
        elif changed & LISTS.keys():
            listed = {key: _lines(found[name]) for name, (key, _) in LISTS.items()}
            others = {key: v for key, v in found["allowed"].items() if key not in listed}
            found["allowed"] = others | {key: values for key, values in listed.items() if values}

    def _judge(self, found: dict[str, Any]) -> None:
        segments = Segment.objects.known_ids()
        checks: dict[str, Callable[[], None]] = {
            "strategies": lambda: validation.strategies(found["strategies"], segments=segments),
            "variants": lambda: validation.variants(found["variants"]),
            "denied": lambda: validation.targets(found["denied"], pointer="/denied"),
            "allowed": lambda: validation.targets(found["allowed"], pointer="/allowed"),
        }
        for name, check in checks.items():
            try:
                check()
            except InvalidError as error:
                for problem in error.problems:
                    self.add_error(name, f"{problem.pointer}: {problem.detail}")


def simple_share(strategies: list[Any]) -> str | None:
    """Return the percentage of rules that say no more; "" for everybody, None for other rules."""
    if not strategies:
        return ""
    only = strategies[0]
    if len(strategies) > 1 or not isinstance(only, Mapping) or only.get("name") != ROLLOUT:
        return None
    more = [only.get(name) for name in ("constraints", "segments", "variants", "stages")]
    return None if any(more) else str(only.get("parameters", {}).get("rollout", ""))


def strategies_of(share: str, rules: FlagRules) -> list[Any]:
    """Return the one percentage, with the group it had: nobody is dealt anew by that."""
    if not share:
        return []
    only: dict[str, Any] = rules.strategies[0] if rules.strategies else {"name": ROLLOUT}
    first = {"stickiness": "default", "groupId": rules.flag.name}
    parameters = {**first, **only.get("parameters", {}), "rollout": share}
    return [{**only, "parameters": parameters}]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class ExplainForm(forms.Form):
    email = forms.CharField(
        label="Address of an account",
        max_length=254,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the person whose answer is meant.",
    )
    organization = forms.CharField(
        required=False,
        max_length=63,
        widget=UnfoldAdminTextInputWidget,
        help_text="Slug or id, where it is asked in one.",
    )


def author_of(request: HttpRequest, *, reason: str = "") -> Author:
    return Author.person(cast(User, request.user), reason=reason)
