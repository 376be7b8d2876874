"""What members do with the links of their organization that many may use."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from invitations.link_serializers import LinkCreateSerializer, LinkSerializer, NewLinkSerializer
from invitations.models import InvitationLink
from invitations.permissions import MANAGE, READ
from invitations.services import linking
from organizations.viewsets import OrganizationViewSet


class InvitationLinkViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """Links that let in whoever holds them, the latest first. Their addresses are not shown."""

    queryset = InvitationLink.objects.all()
    serializer_class = LinkSerializer
    ordering: ClassVar[list[str]] = ["-created_at"]
    ordering_fields: ClassVar[list[str]] = ["created_at"]
    needs: ClassVar[Mapping[str, str]] = {
        "list": READ,
        "retrieve": READ,
        "create": MANAGE,
        "destroy": MANAGE,
        "rotate": MANAGE,
    }

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.shown()

    @extend_schema(responses=LinkSerializer)
    def retrieve(self, request: Request, organization_id: UUID, link_id: UUID) -> Response:
        """One link, without its address."""
        return Response(LinkSerializer(self.get_queryset().by_id(link_id)).data)

    @extend_schema(request=LinkCreateSerializer, responses={201: NewLinkSerializer})
    def create(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Make a link for a role with a member's rights at most, or any for an owner. Its address
        is shown in this answer alone."""
        body = LinkCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made, address = linking.create(**self._actor(), now=timezone.now(), **body.validated_data)
        return self._new(made, address, status=201)

    @extend_schema(request=None, responses={204: None})
    def destroy(
        self, request: AuthenticatedRequest, organization_id: UUID, link_id: UUID
    ) -> Response:
        """Take a link back. Who joined by it stays; a second call does nothing."""
        linking.revoke(**self._actor(), link_id=link_id, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=None, responses=NewLinkSerializer)
    def rotate(
        self, request: AuthenticatedRequest, organization_id: UUID, link_id: UUID
    ) -> Response:
        """Give a link a new address, shown in this answer alone. The one before works no longer."""
        link, address = linking.rotate(**self._actor(), link_id=link_id, now=timezone.now())
        return self._new(link, address)

    def _actor(self) -> dict[str, Any]:
        return {"organization_id": self.organization_id, "actor_id": self.request.user.pk}

    def _new(self, link: InvitationLink, address: str, *, status: int = 200) -> Response:
        row = self.get_queryset().by_id(link.pk)
        return Response(NewLinkSerializer(row, context={"link": address}).data, status)
