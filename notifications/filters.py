from typing import Any

from django_filters import CharFilter, ChoiceFilter, IsoDateTimeFilter, UUIDFilter

from core.api.filters import FilterSet
from notifications.kinds import MAX_KIND, Type
from notifications.models import Notification
from notifications.repositories import NotificationRepository

BOOLEANS = [("true", "true"), ("false", "false")]


class NotificationFilter(FilterSet):
    """Without `is_archived` nothing is archived; without `is_snoozed` everything is awake."""

    type = ChoiceFilter(choices=Type.choices)  # type: ignore[no-untyped-call]  # its stubs lack it
    kind = CharFilter(max_length=MAX_KIND)  # type: ignore[no-untyped-call]
    organization = UUIDFilter(field_name="organization_id")  # type: ignore[no-untyped-call]
    is_read = ChoiceFilter(choices=BOOLEANS, method="by_read")  # type: ignore[no-untyped-call]
    is_archived = ChoiceFilter(choices=BOOLEANS, method="by_archived")  # type: ignore[no-untyped-call]
    is_snoozed = ChoiceFilter(choices=BOOLEANS, method="by_snoozed")  # type: ignore[no-untyped-call]
    created_at__gte = IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")  # type: ignore[no-untyped-call]
    created_at__lt = IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")  # type: ignore[no-untyped-call]

    class Meta:
        model = Notification
        fields: list[str] = []

    def by_read(self, rows: NotificationRepository, name: str, value: str) -> Any:
        return rows.read() if value == "true" else rows.unread()

    def by_archived(self, rows: NotificationRepository, name: str, value: str) -> Any:
        return rows.archived() if value == "true" else rows.kept()

    def by_snoozed(self, rows: NotificationRepository, name: str, value: str) -> Any:
        return rows.asleep() if value == "true" else rows.awake()
