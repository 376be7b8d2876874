from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from audit import exports, permissions
from audit.filters import AuditEntryFilter
from audit.models import AuditEntry
from audit.serializers import AuditEntrySerializer
from core.api.filters import FilterBackend, OrderingBackend
from core.api.queries import invalid
from organizations.viewsets import OrganizationViewSet

FORMAT = OpenApiParameter("format", str, enum=list(exports.MEDIA_TYPES), default="csv")
FILE = {(200, kind.partition(";")[0]): OpenApiTypes.STR for kind in exports.MEDIA_TYPES.values()}


class AuditEntryViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """What happened in the organization, the latest first."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditEntryFilter
    ordering_fields: ClassVar[list[str]] = ["created_at"]
    needs: ClassVar[Mapping[str, str]] = {
        "list": permissions.READ,
        "retrieve": permissions.READ,
        "export": permissions.READ,
    }
    names: Mapping[UUID, str] = {}
    """Of those who acted in what is shown."""

    @extend_schema(responses=AuditEntrySerializer)
    def retrieve(self, request: Request, organization_id: UUID, entry_id: UUID) -> Response:
        """One entry of the log."""
        entry = self.get_queryset().by_id(entry_id)
        self.names = exports.names_of([entry])
        return Response(self.get_serializer(entry).data)

    @extend_schema(parameters=[FORMAT], filters=True, responses=FILE)
    def export(self, request: Request, organization_id: UUID) -> StreamingHttpResponse:
        """The log as a file, in CSV or JSON Lines, with the filters of the list. A file that breaks
        off is told by its connection, which ends before the answer does.
        """
        format = request.query_params.get("format", "csv")
        if format not in exports.MEDIA_TYPES:
            raise invalid("format", f"Give one of these: {', '.join(exports.MEDIA_TYPES)}.")
        rows = self.filter_queryset(self.get_queryset())
        name = f"audit-{self.membership.organization.slug}-{timezone.now():%Y-%m-%d}.{format}"
        return StreamingHttpResponse(
            [] if request.method == "HEAD" else exports.parts(rows, format, keys=self.sort_keys),
            content_type=exports.MEDIA_TYPES[format],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        self.names = exports.names_of(page or [])
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "names": self.names}

    def known_parameters(self) -> frozenset[str]:
        if self.action != "export":
            return super().known_parameters()
        filters = FilterBackend().parameters(self) | OrderingBackend().parameters(self)
        return frozenset({"format", *filters})
