"""What the invited do: with the link, or signed in."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from accounts.serializers import TokenSerializer
from accounts.views import PublicView
from core.api.exceptions import problem_of
from core.api.views import ApiViewSet
from core.errors import DomainError
from invitations.models import Invitation
from invitations.repositories import InvitationRepository
from invitations.serializers import (
    AcceptedSerializer,
    DeclinedSerializer,
    DeclineSerializer,
    JoinedSerializer,
    OfferSerializer,
    PreviewSerializer,
)
from invitations.services import answering, showing
from organizations.models import Organization
from organizations.serializers import OrganizationSerializer
from organizations.viewsets import AcrossOrganizations


class PreviewView(AcrossOrganizations, PublicView):
    @extend_schema(request=TokenSerializer, responses={200: PreviewSerializer})
    def post(self, request: Request) -> Response:
        """Show what an invitation offers. Nothing is spent, and no account is needed."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = showing.show(now=timezone.now(), **body.validated_data)
        return Response(PreviewSerializer(found).data)


class AcceptView(AcrossOrganizations):
    @extend_schema(request=TokenSerializer, responses={200: JoinedSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Join. For the owner of the verified address that was invited; again is harmless."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        membership = answering.accept(
            user_id=request.user.pk, now=timezone.now(), **body.validated_data
        )
        return Response(_joined(request, membership.organization_id))


class DeclineView(AcrossOrganizations, PublicView):
    @extend_schema(request=DeclineSerializer, responses={200: DeclinedSerializer})
    def post(self, request: Request) -> Response:
        """Say no. No account is needed."""
        body = DeclineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answering.decline(now=timezone.now(), **body.validated_data)
        return Response({"status": "declined"})


class OfferViewSet(AcrossOrganizations, mixins.ListModelMixin, ApiViewSet):
    """What the caller's verified address is invited to, the latest first."""

    queryset = Invitation.objects.all()
    serializer_class = OfferSerializer
    ordering_fields: ClassVar[list[str]] = ["created_at"]

    def get_queryset(self) -> InvitationRepository:
        user: Any = self.request.user
        if getattr(self, "swagger_fake_view", False) or not user.email_verified:
            return Invitation.objects.none()
        mine = Invitation.objects.welcome(user.email_normalized, now=timezone.now())
        return mine.with_people()

    @extend_schema("invitations_accept_own", request=None, responses={200: JoinedSerializer})
    def accept(self, request: AuthenticatedRequest, invitation_id: UUID) -> Response:
        """Join by what is addressed to the caller, without the link."""
        membership = answering.accept_own(
            invitation_id=invitation_id, user_id=request.user.pk, now=timezone.now()
        )
        return Response(_joined(request, membership.organization_id))

    @extend_schema(request=None, responses={200: AcceptedSerializer})
    def accept_all(self, request: AuthenticatedRequest) -> Response:
        """Join everything on this list. Each has a result; one that fails keeps no other back."""
        ids = self.get_queryset().in_lock_order().ids()
        return Response({"results": [_attempt(request, each) for each in ids]})


def _attempt(request: AuthenticatedRequest, invitation_id: UUID) -> dict[str, Any]:
    told: dict[str, Any] = {"invitation_id": str(invitation_id)}
    try:
        membership = answering.accept_own(
            invitation_id=invitation_id, user_id=request.user.pk, now=timezone.now()
        )
    except DomainError as error:
        request_id = request.META.get("tenantry.request_id", "")
        problem = problem_of(error, request_id=request_id)
        return told | {"status": problem["status"], "problem": problem}
    joined = _joined(request, membership.organization_id)
    return told | {"status": 200, "organization": joined["organization"]}


def _joined(request: AuthenticatedRequest, organization_id: UUID) -> dict[str, Any]:
    organization = Organization.objects.of_member(request.user).by_id(organization_id)
    shown = OrganizationSerializer(organization).data
    return {"organization": shown, "role": shown["role"]}
