"""What the product's own clients are told, and what organizations decide."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.queries import invalid
from core.errors import NotFoundError
from flags.callers import Caller
from flags.documents import ORGANIZATION
from flags.engine import Answer, Context
from flags.kept import assignments
from flags.kept.services import keep_anonymous
from flags.models import OrganizationOverride
from flags.ofrep import revalidated
from flags.serializers import (
    AnonymousSerializer,
    AnswersSerializer,
    DecideSerializer,
    DecisionsSerializer,
)
from flags.services import overrides
from flags.services.changes import Author
from organizations import permissions
from organizations.viewsets import AcrossOrganizations, OrganizationViewSet


class AnonymousView(AcrossOrganizations):
    @extend_schema(request=AnonymousSerializer, responses={200: AnswersSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Tell which visitor the caller was before signing in; answers as GET /flags does.

        Of flags marked `persist_anonymous` the caller keeps what that visitor was answered, on
        every device. Only the first time counts.
        """
        body = AnonymousSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        key, organization = (
            body.validated_data["anonymous_key"],
            body.validated_data.get("organization"),
        )
        caller = Caller.of(request)
        context = caller.context({ORGANIZATION: str(organization)} if organization else {})
        if organization and ORGANIZATION not in context:
            raise NotFoundError
        keep_anonymous(user=request.user, anonymous_key=key, now=timezone.now())
        context = {**context, **assignments.of(request.user, caller.snapshot)}
        return Response(_answers(caller, context))


class FlagsView(AcrossOrganizations):
    query_parameters: ClassVar[frozenset[str]] = frozenset({ORGANIZATION})

    @extend_schema(
        parameters=[
            OpenApiParameter(
                ORGANIZATION, UUID, description="Answer for the caller as a member of this one."
            )
        ],
        responses={200: AnswersSerializer, 304: None},
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        """The flags that clients may know, answered for the caller."""
        caller = Caller.of(request)
        context = caller.context(_claim(request))
        if ORGANIZATION in request.query_params and ORGANIZATION not in context:
            raise NotFoundError
        return revalidated(request, _answers(caller, context), caller, context)


def _answers(caller: Caller, context: Context) -> dict[str, Any]:
    answer = caller.rules.answer
    flags = {name: _shown(answer(name, context)) for name in caller.names()}
    body: dict[str, Any] = {"flags": flags, "version": caller.version}
    if caller.is_stale:
        body["stale"] = True
    return body


def _claim(request: AuthenticatedRequest) -> dict[str, Any]:
    """Raises InvalidError for what is no id."""
    given = request.query_params.get(ORGANIZATION)
    if given is None:
        return {}
    try:
        return {ORGANIZATION: str(UUID(given))}
    except ValueError:
        raise invalid(ORGANIZATION, "This is no id of an organization.") from None


def _shown(answer: Answer) -> dict[str, Any]:
    payload = answer.payload
    return {
        "enabled": answer.enabled,
        "variant": answer.variant,
        "payload": {"type": payload.type, "value": payload.value} if payload else None,
        "reason": answer.reason.value,
    }


class OrganizationFlagViewSet(OrganizationViewSet):
    queryset = OrganizationOverride.objects.all()
    serializer_class = DecisionsSerializer
    needs: ClassVar[Mapping[str, str]] = {
        "retrieve": permissions.READ,
        "update": overrides.PERMISSION,
    }

    @extend_schema(responses=DecisionsSerializer)
    def retrieve(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """The flags that are left to organizations, and what this one decided."""
        return Response(_decisions(organization_id))

    @extend_schema(request=DecideSerializer, responses=DecisionsSerializer)
    def update(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Switch one of them on or off for everybody here, or leave it as it is everywhere."""
        body = DecideSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        overrides.decide(
            organization_id=organization_id,
            actor_id=request.user.pk,
            name=body.validated_data["flag"],
            enabled=body.validated_data["enabled"],
            author=Author.person(request.user),
            now=timezone.now(),
        )
        return Response(_decisions(organization_id))


def _decisions(organization_id: UUID) -> dict[str, Any]:
    found = overrides.decisions(organization_id)
    return {
        "flags": [
            {"flag": each.flag, "description": each.description, "enabled": each.enabled}
            for each in found
        ]
    }
