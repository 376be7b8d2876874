from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from flags import listing
from flags.management_views import ManagementViewSet
from flags.models import Flag


class StaleFlagSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    why = serializers.CharField()
    owner_id = serializers.UUIDField(allow_null=True)


class StaleFlagsSerializer(serializers.Serializer[Any]):
    stale = StaleFlagSerializer(many=True)


class StaleViewSet(ManagementViewSet):
    queryset = Flag.objects.all()
    query_parameters: ClassVar[frozenset[str]] = frozenset({"environment"})

    @extend_schema(
        operation_id="flags_stale_retrieve",
        parameters=[OpenApiParameter("environment", description="This installation's else.")],
        responses=StaleFlagsSerializer,
    )
    def stale(self, request: AuthenticatedRequest) -> Response:
        """Flags that seem forgotten, by name: past their time, not asked about for 30 days, or with
        one answer for everybody for 14 days. Permanent ones never are.
        """
        where = request.query_params.get("environment")
        return Response(listing.stale(where, now=timezone.now()))
