"""Planned changes over the API."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.filters import FilterSet
from flags import listing
from flags.management_views import IF_MATCH, ManagementViewSet
from flags.models import Flag
from flags.plans.models import PlannedChange
from flags.plans.repositories import PlannedChangeRepository
from flags.plans.serializers import PlannedChangeSerializer, PlanSerializer
from flags.serializers import ReasonSerializer
from flags.services import planning


class PlanFilter(FilterSet):
    """By the whole name of a flag, by environment, and by state."""

    flag = CharFilter(field_name="flag__name", max_length=255)  # type: ignore[no-untyped-call]
    environment = CharFilter(field_name="environment__name", max_length=100)  # type: ignore[no-untyped-call]
    state = ChoiceFilter(choices=PlannedChange.State.choices)  # type: ignore[no-untyped-call]

    class Meta:
        model = PlannedChange
        fields: ClassVar[list[str]] = []


class PlanViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Changes that wait, for their time or for approval, and those that did; the newest first."""

    queryset: PlannedChangeRepository = PlannedChange.objects.with_names()
    serializer_class = PlannedChangeSerializer
    filterset_class = PlanFilter
    needs: ClassVar[dict[str, str]] = {"approve": "flags.approve", "reject": "flags.approve"}

    @extend_schema(
        parameters=[IF_MATCH], request=PlanSerializer, responses={201: PlannedChangeSerializer}
    )
    def create(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """Plan a change of rules. It takes effect to the second, and not at all if somebody changes
        them before. Takes If-Match.
        """
        fields, author = self.read(PlanSerializer)
        made = planning.plan(
            name=Flag.objects.by_id(flag_id).name,
            environment=listing.environment(environment).name,
            author=author,
            now=timezone.now(),
            expected_version=self.expected_version(),
            **fields,
        )
        return Response(PlannedChangeSerializer(made).data, 201)

    @extend_schema(responses=PlannedChangeSerializer)
    def retrieve(self, request: AuthenticatedRequest, plan_id: UUID) -> Response:
        """One planned change."""
        return Response(PlannedChangeSerializer(self.queryset.by_id(plan_id)).data)

    @extend_schema(request=ReasonSerializer, responses=PlannedChangeSerializer)
    def approve(self, request: AuthenticatedRequest, plan_id: UUID) -> Response:
        """Let a change go on that somebody else planned. Its state tells what became of it."""
        return self._decide(planning.approve, plan_id)

    @extend_schema(request=ReasonSerializer, responses=PlannedChangeSerializer)
    def reject(self, request: AuthenticatedRequest, plan_id: UUID) -> Response:
        """End a change that waits for approval."""
        return self._decide(planning.reject, plan_id)

    @extend_schema(request=ReasonSerializer, responses=PlannedChangeSerializer)
    def cancel(self, request: AuthenticatedRequest, plan_id: UUID) -> Response:
        """Take a change back that waits. Twice does no harm."""
        return self._decide(planning.cancel, plan_id)

    def _decide(self, service: Any, plan_id: UUID) -> Response:
        _, author = self.read(ReasonSerializer)
        made = service(plan_id=plan_id, author=author, now=timezone.now())
        return Response(PlannedChangeSerializer(made).data)
