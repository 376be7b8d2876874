"""The admin's pages about flags that are looked at: history and keys."""

import difflib
import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from core.admin_actions import asking, each
from flags.forms import author_of
from flags.models import FlagChange, FlagKey
from flags.repositories import FlagChangeRepository
from flags.services import history, keys
from organizations.admin import LookedAt

MISSING = "It is not there any more."


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
        author, now = author_of(request, reason="went back in the admin"), timezone.now()

        def act(entry: FlagChange) -> None:
            history.revert(change_id=entry.pk, author=author, now=now, confirm=True)

        each(self, request, rows, act, done="restored as a new version", missing=MISSING)


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
        author, now = author_of(request), timezone.now()
        act = lambda key: keys.revoke(key_id=key.pk, author=author, now=now)  # noqa: E731
        each(self, request, rows, act, done="revoked", missing=MISSING)


def _text(state: Any) -> list[str]:
    return json.dumps(state, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
