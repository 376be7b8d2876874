from typing import Any

from django_filters import BaseInFilter, CharFilter, ChoiceFilter, IsoDateTimeFilter, UUIDFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from audit import readings
from audit.models import AuditEntry
from audit.repositories import AuditEntryRepository
from core.api.filters import FilterSet


def actions() -> list[tuple[str, str]]:
    return [(action, action) for action in readings.actions()]


def target_types() -> list[tuple[str, str]]:
    return [(name, name) for name in readings.target_types()]


class ActionInFilter(BaseInFilter, ChoiceFilter):
    pass


class AuditEntryFilter(FilterSet):
    """By what happened, who did it, to what, and when."""

    action = ChoiceFilter(choices=actions)  # type: ignore[no-untyped-call]
    action__in = ActionInFilter(  # type: ignore[no-untyped-call]
        field_name="action", lookup_expr="in", choices=actions
    )
    actor = UUIDFilter(method="by_user")  # type: ignore[no-untyped-call]
    target_type = ChoiceFilter(choices=target_types)  # type: ignore[no-untyped-call]
    target_id = CharFilter(max_length=64)  # type: ignore[no-untyped-call]
    created_at__gte = IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")  # type: ignore[no-untyped-call]
    created_at__lt = IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")  # type: ignore[no-untyped-call]

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    @extend_schema_field(OpenApiTypes.UUID)
    def by_user(self, rows: AuditEntryRepository, name: str, value: Any) -> AuditEntryRepository:
        return rows.by_user(value)
