"""Handing an organization over to another member."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from organizations import permissions
from organizations.models import OwnershipOffer
from organizations.serializers import OfferSerializer, OwnershipOfferSerializer
from organizations.services import ownership
from organizations.viewsets import OrganizationViewSet


class OwnershipTransferViewSet(OrganizationViewSet):
    """The one offer that may be open. Offering and accepting take a recent authentication."""

    queryset = OwnershipOffer.objects.all()
    serializer_class = OwnershipOfferSerializer
    needs: ClassVar[Mapping[str, str]] = {
        "retrieve": permissions.READ_MEMBERS,
        "create": permissions.MANAGE_OWNERS,
        "accept": permissions.READ,  # whom it was offered to, and nobody else: the service judges
        "destroy": permissions.READ,  # owners, and whom it was offered to: the service judges
    }

    @extend_schema(responses=OwnershipOfferSerializer)
    def retrieve(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """The offer that waits for an answer; 404 when there is none."""
        found = ownership.open_offer(organization_id=organization_id, now=timezone.now())
        return Response(OwnershipOfferSerializer(found).data)

    @extend_schema(request=OfferSerializer, responses={201: OwnershipOfferSerializer})
    def create(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Offer your place as owner to another member, who has seven days to accept."""
        body = OfferSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = ownership.offer(
            organization_id=organization_id,
            actor_id=request.user.pk,
            session_id=request.auth.session_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(OwnershipOfferSerializer(made).data, 201)

    @extend_schema(request=None, responses=OwnershipOfferSerializer)
    def accept(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Become owner in the place of who offered it, who is then an admin."""
        accepted = ownership.accept(
            organization_id=organization_id,
            actor_id=request.user.pk,
            session_id=request.auth.session_id,
            now=timezone.now(),
        )
        return Response(OwnershipOfferSerializer(accepted).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Take the open offer back, or decline one that was made to you."""
        ownership.cancel(
            organization_id=organization_id, actor_id=request.user.pk, now=timezone.now()
        )
        return Response(status=204)
