"""The roles that an organization makes for itself, and what a role may allow."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from organizations import permissions
from organizations.models import CustomRole
from organizations.serializers import (
    CustomRoleChangeSerializer,
    CustomRoleCreateSerializer,
    CustomRoleSerializer,
    PermissionsSerializer,
)
from organizations.services import roles
from organizations.viewsets import OrganizationViewSet

REASSIGN_TO = "reassign_to"


class CustomRoleViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """The organization's own roles, newest first. The four that come with us are not among them."""

    queryset = CustomRole.objects.all()
    serializer_class = CustomRoleSerializer
    ordering_fields: ClassVar[list[str]] = ["created_at", "name", "key"]
    search_fields: ClassVar[list[str]] = ["name", "key"]
    needs: ClassVar[Mapping[str, str]] = {
        "list": permissions.READ_MEMBERS,
        "retrieve": permissions.READ_MEMBERS,
        "create": permissions.MANAGE_ROLES,
        "partial_update": permissions.MANAGE_ROLES,
        "destroy": permissions.MANAGE_ROLES,
    }

    def known_parameters(self) -> frozenset[str]:
        own = {REASSIGN_TO} if self.action == "destroy" else set()
        return super().known_parameters() | own

    @extend_schema(responses=CustomRoleSerializer)
    def retrieve(
        self, request: AuthenticatedRequest, organization_id: UUID, role_id: UUID
    ) -> Response:
        return Response(CustomRoleSerializer(self.get_queryset().by_id(role_id)).data)

    @extend_schema(request=CustomRoleCreateSerializer, responses={201: CustomRoleSerializer})
    def create(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Make a role of permissions that you hold yourself."""
        body = CustomRoleCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = roles.create(
            organization_id=organization_id, actor_id=request.user.pk, **body.validated_data
        )
        return Response(CustomRoleSerializer(made).data, 201)

    @extend_schema(request=CustomRoleChangeSerializer, responses=CustomRoleSerializer)
    def partial_update(
        self, request: AuthenticatedRequest, organization_id: UUID, role_id: UUID
    ) -> Response:
        """Change a role for all who hold it, from their next request on; its key stays."""
        body = CustomRoleChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changed = roles.change(
            organization_id=organization_id,
            actor_id=request.user.pk,
            role_id=role_id,
            **body.validated_data,
        )
        return Response(CustomRoleSerializer(changed).data)

    @extend_schema(
        request=None,
        responses={204: None},
        parameters=[
            OpenApiParameter(
                REASSIGN_TO, str, description="The role that those get who hold this one."
            )
        ],
    )
    def destroy(
        self, request: AuthenticatedRequest, organization_id: UUID, role_id: UUID
    ) -> Response:
        """Delete a role; 409 while somebody holds it and `reassign_to` names no other."""
        roles.delete(
            organization_id=organization_id,
            actor_id=request.user.pk,
            role_id=role_id,
            reassign_to=request.query_params.get(REASSIGN_TO),
        )
        return Response(status=204)


class PermissionViewSet(OrganizationViewSet):
    """What a role may allow here."""

    queryset = CustomRole.objects.all()
    serializer_class = PermissionsSerializer
    needs: ClassVar[Mapping[str, str]] = {"retrieve": permissions.READ}

    @extend_schema(responses=PermissionsSerializer)
    def retrieve(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Every permission there is, who of the four roles holds it, and whether you do."""
        shown = [
            {
                "name": permission.name,
                "description": permission.description,
                "roles": permissions.roles_with(permission),
                "held": permission.name in self.rights.permissions,
            }
            for permission in permissions.registered()
        ]
        return Response({"permissions": shown})
