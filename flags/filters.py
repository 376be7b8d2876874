from typing import Any

from django_filters import BooleanFilter, CharFilter, ChoiceFilter

from core.api.filters import FilterSet
from flags.models import Flag, FlagChange
from flags.repositories import FlagRepository


class FlagFilter(FilterSet):
    """?name= is the whole name; ?archived= true or false."""

    name = CharFilter(max_length=255)  # type: ignore[no-untyped-call]
    kind = ChoiceFilter(choices=Flag.Kind.choices)  # type: ignore[no-untyped-call]
    archived = BooleanFilter(method="by_archived")  # type: ignore[no-untyped-call]

    class Meta:
        model = Flag
        fields: list[str] = []

    def by_archived(self, rows: FlagRepository, name: str, value: bool) -> Any:
        return rows.archived() if value else rows.present()


class ChangeFilter(FilterSet):
    """By the whole name of a flag or segment, and by what was done."""

    name = CharFilter(max_length=255)  # type: ignore[no-untyped-call]
    subject = ChoiceFilter(choices=FlagChange.Subject.choices)  # type: ignore[no-untyped-call]
    source = ChoiceFilter(choices=FlagChange.Source.choices)  # type: ignore[no-untyped-call]
    action = CharFilter(max_length=32)  # type: ignore[no-untyped-call]

    class Meta:
        model = FlagChange
        fields: list[str] = []
