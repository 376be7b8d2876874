from typing import cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from flags.staleness.models import StaleFlag
from flags.staleness.repositories import StaleFlagRepository
from organizations.admin import LookedAt


@admin.register(StaleFlag)
class StaleFlagAdmin(LookedAt):
    """Flags that seem forgotten where this installation asks, as of this morning."""

    list_display = ["flag", "reason", "owner", "found_at", "told_at", "look"]
    list_select_related = ["flag", "flag__owner"]
    search_fields = ["flag__name"]
    search_help_text = "Beginning of a name"
    ordering = ["-found_at", "-flag"]
    fields = ("flag", "reason", "owner", "found_at", "told_at", "look")
    readonly_fields = list(fields)

    def get_queryset(self, request: HttpRequest) -> StaleFlagRepository:
        return cast(StaleFlagRepository, super().get_queryset(request)).with_flag()

    @admin.display(description="Owner")
    def owner(self, row: StaleFlag) -> str:
        return str(row.flag.owner or "Nobody")

    @admin.display(description="Why")
    def reason(self, row: StaleFlag) -> str:
        return row.why[:1].upper() + row.why[1:]

    @admin.display(description="What next")
    def look(self, row: StaleFlag) -> str:
        address = reverse("admin:flags_flag_change", args=[row.flag_id])
        return format_html('<a href="{}">Archive it, or say that it stays</a>', address)
