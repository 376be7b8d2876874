from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.views import ApiViewSet
from core.errors import NotFoundError
from organizations import permissions
from organizations.filters import MemberFilter
from organizations.models import Membership, Organization
from organizations.plain_lists import MEMBERS
from organizations.repositories import MembershipRepository, OrganizationRepository
from organizations.serializers import (
    MemberSerializer,
    OrganizationChangeSerializer,
    OrganizationCreateSerializer,
    OrganizationDeleteSerializer,
    OrganizationSerializer,
    RoleSerializer,
)
from organizations.services import addresses, lifecycle, members
from organizations.viewsets import AcrossOrganizations, OrganizationViewSet

BY_SLUG = "/api/v1/organizations/by-slug/"


class OrganizationListViewSet(AcrossOrganizations, mixins.ListModelMixin, ApiViewSet):
    """The organizations that the caller belongs to, newest first."""

    queryset = Organization.objects.all()
    serializer_class = OrganizationSerializer
    ordering_fields: ClassVar[list[str]] = ["created_at", "name"]
    search_fields: ClassVar[list[str]] = ["name", "slug"]

    def get_queryset(self) -> OrganizationRepository:
        if getattr(self, "swagger_fake_view", False):  # schema generation has no caller
            return Organization.objects.none()
        return Organization.objects.of_member(self.request.user)  # type: ignore[arg-type]

    @extend_schema(request=OrganizationCreateSerializer, responses={201: OrganizationSerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Make an organization and be its owner."""
        body = OrganizationCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = lifecycle.create(owner=request.user, now=timezone.now(), **body.validated_data)
        return Response(_shown(request, made.pk), 201)


class OrganizationBySlugView(AcrossOrganizations):
    @extend_schema(responses={200: OrganizationSerializer, 308: None})
    def get(self, request: AuthenticatedRequest, slug: str) -> Response:
        """The organization that has this slug; 308 from one that it had within 90 days."""
        found = addresses.resolve(slug=slug, user_id=request.user.pk, now=timezone.now())
        if found.slug != slug.lower():
            return Response(status=308, headers={"Location": BY_SLUG + found.slug})
        return Response(_shown(request, found.pk))


class OrganizationDetailViewSet(OrganizationViewSet):
    """One organization."""

    queryset = Organization.objects.all()
    serializer_class = OrganizationSerializer
    needs: ClassVar[Mapping[str, str]] = {
        "retrieve": permissions.READ,
        "partial_update": permissions.UPDATE,
        "destroy": permissions.DELETE,
    }

    @extend_schema(responses=OrganizationSerializer)
    def retrieve(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        return Response(_shown(request, organization_id))

    @extend_schema(request=OrganizationChangeSerializer, responses=OrganizationSerializer)
    def partial_update(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Rename; fields that are left out stay. An earlier slug stays reserved for 90 days."""
        body = OrganizationChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lifecycle.change(
            organization_id=organization_id,
            actor_id=request.user.pk,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(_shown(request, organization_id))

    @extend_schema(request=OrganizationDeleteSerializer, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """End everybody's access now. For 30 days an operator can bring it back.

        Takes a recent authentication; and its name, if you send one, has to be the right one.
        """
        body = OrganizationDeleteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lifecycle.delete(
            organization_id=organization_id,
            actor_id=request.user.pk,
            session_id=request.auth.session_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(status=204)


class MemberViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """Who belongs, the latest first."""

    queryset = Membership.objects.all()
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    ordering: ClassVar[list[str]] = ["-joined_at"]
    ordering_fields: ClassVar[list[str]] = ["joined_at"]
    needs: ClassVar[Mapping[str, str]] = {
        "list": permissions.READ_MEMBERS,
        "retrieve": permissions.READ_MEMBERS,
        "partial_update": permissions.MANAGE_MEMBERS,
        "destroy": permissions.READ,  # one's own place needs no more; the service judges
        "suspend": permissions.MANAGE_MEMBERS,
        "reinstate": permissions.RESTORE_MEMBERS,
        "leave": permissions.READ,
    }

    @property
    def search_fields(self) -> list[str]:  # type: ignore[override]  # by who asks
        """Names; addresses for who may see them, or a search would spell them out."""
        rights = getattr(self, "rights", None)
        sees_emails = rights is None or permissions.READ_EMAILS in rights.permissions
        return ["user__full_name", *(["user__email"] if sees_emails else [])]

    def get_queryset(self) -> Any:
        return self.plainly(MEMBERS, self._rows, organization=self.organization_id)

    def _rows(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.listed().shown()

    @extend_schema(responses=MemberSerializer)
    def retrieve(self, request: Request, organization_id: UUID, user_id: UUID) -> Response:
        return self._member(user_id)

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    def partial_update(
        self, request: AuthenticatedRequest, organization_id: UUID, user_id: UUID
    ) -> Response:
        """Give a member another role."""
        body = RoleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        members.change_role(
            organization_id=organization_id,
            actor_id=request.user.pk,
            user_id=user_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return self._member(user_id)

    @extend_schema(request=None, responses={204: None})
    def destroy(
        self, request: AuthenticatedRequest, organization_id: UUID, user_id: UUID
    ) -> Response:
        """Remove a member, who has no access from the next request on."""
        members.remove(
            organization_id=organization_id,
            actor_id=request.user.pk,
            user_id=user_id,
            now=timezone.now(),
        )
        return Response(status=204)

    @extend_schema(request=None, responses=MemberSerializer)
    def suspend(
        self, request: AuthenticatedRequest, organization_id: UUID, user_id: UUID
    ) -> Response:
        """Take a member's access away; their place and role stay."""
        members.suspend(
            organization_id=organization_id,
            actor_id=request.user.pk,
            user_id=user_id,
            now=timezone.now(),
        )
        return self._member(user_id)

    @extend_schema(request=None, responses=MemberSerializer)
    def reinstate(
        self, request: AuthenticatedRequest, organization_id: UUID, user_id: UUID
    ) -> Response:
        """Give a suspended member their access back."""
        members.reinstate(
            organization_id=organization_id, actor_id=request.user.pk, user_id=user_id
        )
        return self._member(user_id)

    @extend_schema(request=None, responses={204: None})
    def leave(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Leave. Who comes back is given a role anew."""
        members.leave(organization_id=organization_id, user_id=request.user.pk, now=timezone.now())
        return Response(status=204)

    def _member(self, user_id: UUID) -> Response:
        rows: MembershipRepository = self.get_queryset()
        member = rows.of(user_id).first()
        if member is None:
            raise NotFoundError
        return Response(self.get_serializer(member).data)


def _shown(request: AuthenticatedRequest, organization_id: UUID) -> Any:
    organization = Organization.objects.of_member(request.user).by_id(organization_id)
    return OrganizationSerializer(organization).data
