from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from flags import listing
from flags.management_views import IF_MATCH, ManagementViewSet, tagged
from flags.models import Environment
from flags.serializers import EnvironmentSerializer, ReasonSerializer
from flags.services import environments


class EnvironmentChangeSerializer(ReasonSerializer):
    demands_approval = serializers.BooleanField()


class CopySerializer(ReasonSerializer):
    """`source` is the name of another environment. `with_targets` takes persons along that are on
    the lists of those denied and allowed.
    """

    source = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, as DRF collects it
    with_targets = serializers.BooleanField(required=False)


class CopiedSerializer(serializers.Serializer[Any]):
    """Names of flags. `planned` are those that wait for approval instead."""

    changed = serializers.ListField(child=serializers.CharField())
    planned = serializers.ListField(child=serializers.CharField())
    unchanged = serializers.IntegerField()


class EnvironmentViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Where flags are asked, the newest first. `version` is that of the rules."""

    queryset = Environment.objects.all()
    serializer_class = EnvironmentSerializer
    needs = {"partial_update": "flags.approve"}

    @extend_schema(responses=EnvironmentSerializer)
    def retrieve(self, request: AuthenticatedRequest, environment: str) -> Response:
        """One environment. Its ETag, the version of its rules, is what If-Match takes."""
        return _environment(listing.environment(environment))

    @extend_schema(request=EnvironmentChangeSerializer, responses=EnvironmentSerializer)
    def partial_update(self, request: AuthenticatedRequest, environment: str) -> Response:
        """Say whether changes here take two people. Takes If-Match."""
        fields, author = self.read(EnvironmentChangeSerializer)
        changed = environments.demand_approval(
            name=listing.environment(environment).name,
            demanded=fields["demands_approval"],
            author=author,
            now=timezone.now(),
            expected_version=self.expected_version(),
        )
        return _environment(changed)

    @extend_schema(parameters=[IF_MATCH], request=CopySerializer, responses=CopiedSerializer)
    def copy_from(self, request: AuthenticatedRequest, environment: str) -> Response:
        """Take over the rules of every flag from another environment, as one new version. Kills,
        decisions of organizations, and persons named one by one stay as they are. Takes If-Match.
        """
        fields, author = self.read(CopySerializer)
        done = environments.copy(
            target=listing.environment(environment).name,
            author=author,
            now=timezone.now(),
            expected_version=self.expected_version(),
            **fields,
        )
        told = {"changed": done.changed, "planned": done.planned, "unchanged": done.unchanged}
        return tagged(told, listing.environment(environment).version)


def _environment(found: Environment) -> Response:
    return tagged(EnvironmentSerializer(found).data, found.version)
