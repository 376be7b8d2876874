"""What members do with the invitations of their organization."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.exceptions import field_problems, problem_of
from core.errors import DomainError, InvalidError
from invitations.filters import InvitationFilter
from invitations.models import Invitation, InvitationPolicy
from invitations.permissions import MANAGE, READ
from invitations.serializers import (
    BulkBodySerializer,
    BulkResultSerializer,
    BulkSerializer,
    InvitationChangeSerializer,
    InvitationSerializer,
    InviteSerializer,
    PolicyChangeSerializer,
    PolicySerializer,
    SentInvitationSerializer,
)
from invitations.services import policies, sending
from invitations.services.judging import Wish
from organizations import permissions
from organizations.viewsets import OrganizationViewSet


class InvitationViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """Who is or was invited, the latest first."""

    queryset = Invitation.objects.all()
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    ordering: ClassVar[list[str]] = ["-created_at"]
    ordering_fields: ClassVar[list[str]] = ["created_at"]
    search_fields: ClassVar[list[str]] = ["email"]
    needs: ClassVar[Mapping[str, str]] = {
        "list": READ,
        "retrieve": READ,
        "create": MANAGE,
        "bulk": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
        "resend": MANAGE,
    }

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.shown(now=timezone.now())

    @extend_schema(responses=InvitationSerializer)
    def retrieve(self, request: Request, organization_id: UUID, invitation_id: UUID) -> Response:
        """One invitation, whatever became of it."""
        return self._invitation(invitation_id)

    @extend_schema(request=InviteSerializer, responses={201: SentInvitationSerializer})
    def create(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Invite an address. A mail with a link is sent, which is good for seven days."""
        body = InviteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = sending.create(**self._actor(), now=timezone.now(), **body.validated_data)
        return Response(self._sent([made])[made.pk], 201)

    @extend_schema(request=BulkBodySerializer, responses=BulkResultSerializer)
    def bulk(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Invite up to a hundred addresses. Each has a result, in the order of the request."""
        body = BulkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given: list[Any] = body.validated_data["invitations"]
        found = sending.create_all(
            **self._actor(),
            wishes=[_wish(row) for row in given],
            all_or_nothing=body.validated_data["all_or_nothing"],
            now=timezone.now(),
        )
        return Response({"results": self._results(found)})

    @extend_schema(request=InvitationChangeSerializer, responses=InvitationSerializer)
    def partial_update(
        self, request: AuthenticatedRequest, organization_id: UUID, invitation_id: UUID
    ) -> Response:
        """Offer another role, or say something else. No mail is sent."""
        body = InvitationChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        sending.change(
            **self._actor(),
            invitation_id=invitation_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return self._invitation(invitation_id)

    @extend_schema(request=None, responses={204: None})
    def destroy(
        self, request: AuthenticatedRequest, organization_id: UUID, invitation_id: UUID
    ) -> Response:
        """Take an invitation back. Its link works no longer; a second call does nothing."""
        sending.revoke(**self._actor(), invitation_id=invitation_id, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=None, responses=SentInvitationSerializer)
    def resend(
        self, request: AuthenticatedRequest, organization_id: UUID, invitation_id: UUID
    ) -> Response:
        """Mail a new link for another seven days. The one before works no longer."""
        sent = sending.resend(**self._actor(), invitation_id=invitation_id, now=timezone.now())
        return Response(self._sent([sent])[sent.pk])

    def _actor(self) -> dict[str, Any]:
        return {"organization_id": self.organization_id, "actor_id": self.request.user.pk}

    def _invitation(self, invitation_id: UUID) -> Response:
        return Response(InvitationSerializer(self.get_queryset().by_id(invitation_id)).data)

    def _sent(self, invitations: list[Invitation]) -> dict[UUID, Any]:
        """Return what was sent, with the link where the host sends no mail."""
        rows = self.get_queryset().among(invitation.pk for invitation in invitations)
        return {row.pk: SentInvitationSerializer(row).data for row in rows}

    def _results(self, found: list[Invitation | DomainError]) -> list[dict[str, Any]]:
        request_id = self.request.META.get("tenantry.request_id", "")
        sent = self._sent([row for row in found if isinstance(row, Invitation)])
        results: list[dict[str, Any]] = []
        for index, row in enumerate(found):
            if isinstance(row, DomainError):
                problem = problem_of(row, request_id=request_id)
                told = {"status": problem["status"], "problem": problem}
            else:
                told = {"status": 201, "invitation": sent[row.pk]}
            results.append({"index": index, **told})
        return results


class InvitationPolicyViewSet(OrganizationViewSet):
    """Whose addresses may be invited."""

    queryset = InvitationPolicy.objects.all()
    serializer_class = PolicySerializer
    needs: ClassVar[Mapping[str, str]] = {"retrieve": READ, "update": permissions.UPDATE}

    @extend_schema(responses=PolicySerializer)
    def retrieve(self, request: Request, organization_id: UUID) -> Response:
        """The domains whose addresses may be invited, and may accept."""
        return Response(PolicySerializer(InvitationPolicy.objects.of(organization_id)).data)

    @extend_schema(request=PolicyChangeSerializer, responses=PolicySerializer)
    def update(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Replace both lists. They hold for invitations that are open too."""
        body = PolicyChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        policy = policies.change(
            organization_id=organization_id,
            actor_id=request.user.pk,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(PolicySerializer(policy).data)


def _wish(row: Any) -> Wish | DomainError:
    """Read one row of many, or return what is wrong with it."""
    body = InviteSerializer(data=row)
    try:
        body.is_valid(raise_exception=True)
    except ValidationError as error:
        return InvalidError(*field_problems(error.detail))
    return Wish(**body.validated_data)
