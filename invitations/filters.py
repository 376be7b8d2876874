from typing import Any

from django.utils import timezone
from django_filters import BaseInFilter, ChoiceFilter

from core.api.filters import FilterSet
from invitations.models import Invitation
from invitations.repositories import InvitationRepository
from invitations.serializers import STATUSES


class StatusInFilter(BaseInFilter, ChoiceFilter):
    """Several statuses, separated by commas."""


class InvitationFilter(FilterSet):
    """?status=pending and ?status__in=pending,expired"""

    status = ChoiceFilter(choices=STATUSES, method="by_status")  # type: ignore[no-untyped-call]  # its stubs lack it
    status__in = StatusInFilter(choices=STATUSES, method="by_statuses")  # type: ignore[no-untyped-call]

    class Meta:
        model = Invitation
        fields: list[str] = []

    def by_status(self, rows: InvitationRepository, name: str, value: str) -> Any:
        return rows.in_status([value], now=timezone.now())

    def by_statuses(self, rows: InvitationRepository, name: str, value: list[str]) -> Any:
        return rows.in_status(value, now=timezone.now())
