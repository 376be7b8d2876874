"""Flags for those who manage them: staff with `flags.manage`, and with `flags.kill` for a kill."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import AuthenticatedRequest
from core.api.exceptions import PreconditionRequiredError
from core.api.serializers import InputSerializer
from core.api.views import ApiViewSet
from flags import listing
from flags import serializers as shapes
from flags.errors import VersionError
from flags.filters import ChangeFilter, FlagFilter
from flags.models import Flag, FlagChange, FlagKey, FlagRules, Segment
from flags.plans import settling
from flags.services import definitions, history, keys, rules, segments
from flags.services.changes import Author
from organizations.viewsets import AcrossOrganizations

IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True)


class ManagesFlags(BasePermission):
    """Staff whose account may; a view names what its actions need beyond `flags.manage`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = getattr(view, "needs", {}).get(getattr(view, "action", None), "flags.manage")
        user: Any = request.user
        return bool(user.is_authenticated and user.is_staff and user.has_perm(needed))


class ManagementViewSet(AcrossOrganizations, ApiViewSet):
    permission_classes = [IsAuthenticated, ManagesFlags]
    needs: ClassVar[Mapping[str, str]] = {}

    def read(self, serializer: type[InputSerializer]) -> tuple[dict[str, Any], Author]:
        """Return the body without its reason, and who sent it."""
        body = serializer(data=self.request.data)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        user: Any = self.request.user
        return fields, Author.person(user, reason=fields.pop("reason", ""))

    def expected_version(self) -> int:
        """Return what If-Match names. Raises PreconditionRequiredError, VersionError."""
        given = str(self.request.META.get("HTTP_IF_MATCH", "")).strip().removeprefix("W/")
        if not given:
            raise PreconditionRequiredError
        number = given.strip('"')
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise VersionError(-1)
        return int(number)


def tagged(data: Any, version: int, status: int = 200) -> Response:
    return Response(data, status, headers={"ETag": f'"{version}"'})


class FlagViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Every flag, archived ones too, the newest first."""

    queryset = Flag.objects.all()
    serializer_class = shapes.FlagSerializer
    filterset_class = FlagFilter
    ordering_fields: ClassVar[list[str]] = ["created_at", "name"]
    search_fields: ClassVar[list[str]] = ["name", "description"]

    @extend_schema(request=shapes.FlagCreateSerializer, responses={201: shapes.FlagSerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Make a flag that is off in every environment."""
        fields, author = self.read(shapes.FlagCreateSerializer)
        made = definitions.create(author=author, now=timezone.now(), **fields)
        return _flag(made, 201)

    @extend_schema(responses=shapes.FlagSerializer)
    def retrieve(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """One flag. Its ETag is what If-Match takes."""
        return _flag(Flag.objects.by_id(flag_id))

    @extend_schema(request=shapes.FlagChangeBodySerializer, responses=shapes.FlagSerializer)
    def partial_update(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """Change what concerns every environment. Takes If-Match."""
        fields, author = self.read(shapes.FlagChangeBodySerializer)
        changed = definitions.change(
            name=_name(flag_id),
            author=author,
            now=timezone.now(),
            expected_version=self.expected_version(),
            **fields,
        )
        return _flag(changed)

    @extend_schema(request=None, responses={204: None})
    def archive(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """Take a flag away; others that depend on it are told with 409."""
        author = Author.person(request.user)
        definitions.archive(name=_name(flag_id), author=author, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.FlagSerializer)
    def restore(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """Bring an archived flag back as it was."""
        _, author = self.read(shapes.ReasonSerializer)
        return _flag(definitions.restore(name=_name(flag_id), author=author, now=timezone.now()))

    @extend_schema(request=shapes.ExplainSerializer, responses=shapes.ExplanationSerializer)
    def explain(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """Why the flag answers as it does for somebody, step by step."""
        fields, _ = self.read(shapes.ExplainSerializer)
        where = fields.get("environment")
        return Response(listing.explained(_name(flag_id), where, fields["context"]))


def _name(flag_id: UUID) -> str:
    return Flag.objects.by_id(flag_id).name


def _flag(flag: Flag, status: int = 200) -> Response:
    return tagged(shapes.FlagSerializer(flag).data, flag.version, status)


class RulesViewSet(ManagementViewSet):
    """What a flag answers in one environment."""

    queryset = FlagRules.objects.all()
    serializer_class = shapes.RulesSerializer
    needs: ClassVar[Mapping[str, str]] = {"kill": "flags.kill", "unkill": "flags.kill"}

    @extend_schema(
        operation_id="flags_definitions_environments_list", responses=shapes.EveryRulesSerializer
    )
    def everywhere(self, request: AuthenticatedRequest, flag_id: UUID) -> Response:
        """The rules of a flag in every environment."""
        settling.settle(now=timezone.now(), flag=_name(flag_id))
        rows = FlagRules.objects.of(flag_id).with_environment().in_order()
        return Response({"rules": [shapes.RulesSerializer(row).data for row in rows]})

    @extend_schema(responses=shapes.RulesSerializer)
    def retrieve(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """The rules of a flag in one environment. Its ETag is what If-Match takes."""
        where = listing.environment(environment)
        settling.settle(now=timezone.now(), environment=environment, flag=_name(flag_id))
        found = FlagRules.objects.of(flag_id).within(where.pk).with_environment().only_one()
        return _rules(found)

    @extend_schema(request=shapes.RulesChangeSerializer, responses=shapes.RulesSerializer)
    def partial_update(
        self, request: AuthenticatedRequest, flag_id: UUID, environment: str
    ) -> Response:
        """Change rules; every process answers by them within a second. Takes If-Match."""
        fields, author = self.read(shapes.RulesChangeSerializer)
        return _rules(
            rules.change(
                name=_name(flag_id),
                environment=environment,
                author=author,
                now=timezone.now(),
                expected_version=self.expected_version(),
                **fields,
            )
        )

    @extend_schema(request=shapes.RolloutSerializer, responses=shapes.RulesSerializer)
    def roll_out(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """Set the flag's percentage. Whoever has it keeps it while it grows."""
        fields, author = self.read(shapes.RolloutSerializer)
        share = f"{fields['percentage']:.6f}".rstrip("0").rstrip(".")
        return _rules(rules.roll_out(percentage=share, **_where(flag_id, environment, author)))

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.RulesSerializer)
    def reshuffle(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """Deal everybody anew: others get the flag at the same percentage."""
        _, author = self.read(shapes.ReasonSerializer)
        return _rules(rules.reshuffle(**_where(flag_id, environment, author)))

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.RulesSerializer)
    def kill(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """Switch a flag off at once, whatever its rules say."""
        _, author = self.read(shapes.ReasonSerializer)
        return _rules(rules.kill(**_where(flag_id, environment, author)))

    @extend_schema(request=shapes.ReasonSerializer, responses=shapes.RulesSerializer)
    def unkill(self, request: AuthenticatedRequest, flag_id: UUID, environment: str) -> Response:
        """Bring back exactly what was killed."""
        _, author = self.read(shapes.ReasonSerializer)
        return _rules(rules.unkill(**_where(flag_id, environment, author)))


def _where(flag_id: UUID, environment: str, author: Author) -> dict[str, Any]:
    return {
        "name": _name(flag_id),
        "environment": environment,
        "author": author,
        "now": timezone.now(),
    }


def _rules(row: FlagRules) -> Response:
    return tagged(shapes.RulesSerializer(row).data, row.version)


class ChangeViewSet(mixins.ListModelMixin, ManagementViewSet):
    """The history of all flags, the latest first."""

    queryset = FlagChange.objects.all()
    serializer_class = shapes.ChangeSerializer
    filterset_class = ChangeFilter

    @extend_schema(request=shapes.ConfirmSerializer, responses={204: None})
    def revert(self, request: AuthenticatedRequest, change_id: UUID) -> Response:
        """Make things as they were after this change, as a new version."""
        fields, author = self.read(shapes.ConfirmSerializer)
        history.revert(
            change_id=change_id,
            author=author,
            now=timezone.now(),
            confirm=fields.get("confirm", False),
        )
        return Response(status=204)


class SegmentViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Constraints that many flags share, the newest first."""

    queryset = Segment.objects.all()
    serializer_class = shapes.SegmentSerializer
    search_fields: ClassVar[list[str]] = ["name", "description"]

    @extend_schema(
        request=shapes.SegmentCreateSerializer, responses={201: shapes.SegmentSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Make a segment."""
        fields, author = self.read(shapes.SegmentCreateSerializer)
        return _segment(segments.create(author=author, now=timezone.now(), **fields), 201)

    @extend_schema(responses=shapes.SegmentSerializer)
    def retrieve(self, request: AuthenticatedRequest, segment_id: int) -> Response:
        """One segment. Its ETag is what If-Match takes."""
        return _segment(Segment.objects.by_id(segment_id))

    @extend_schema(request=shapes.SegmentChangeSerializer, responses=shapes.SegmentSerializer)
    def partial_update(self, request: AuthenticatedRequest, segment_id: int) -> Response:
        """Change a segment; 409 names the flags that use it until you confirm. Takes If-Match."""
        fields, author = self.read(shapes.SegmentChangeSerializer)
        changed = segments.change(
            segment_id=segment_id,
            author=author,
            now=timezone.now(),
            expected_version=self.expected_version(),
            **fields,
        )
        return _segment(changed)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, segment_id: int) -> Response:
        """Delete a segment that no flag uses."""
        author = Author.person(request.user)
        segments.delete(segment_id=segment_id, author=author, now=timezone.now())
        return Response(status=204)


def _segment(segment: Segment, status: int = 200) -> Response:
    return tagged(shapes.SegmentSerializer(segment).data, segment.version, status)


class KeyViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Keys of SDKs, the newest first; never the keys themselves."""

    queryset = FlagKey.objects.with_environment()
    serializer_class = shapes.KeySerializer

    @extend_schema(request=shapes.KeyCreateSerializer, responses={201: shapes.NewKeySerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Make a key. The answer shows it this once."""
        fields, author = self.read(shapes.KeyCreateSerializer)
        listing.environment(fields["environment"])
        made, secret, _ = keys.create(
            name=fields["name"],
            environment=fields["environment"],
            organization_id=fields.get("organization"),
            author=author,
        )
        return Response({"id": str(made.pk), "key": secret}, 201)

    @extend_schema(request=None, responses={204: None})
    def revoke(self, request: AuthenticatedRequest, key_id: UUID) -> Response:
        """End a key: its next request is refused."""
        keys.revoke(key_id=key_id, author=Author.person(request.user), now=timezone.now())
        return Response(status=204)
