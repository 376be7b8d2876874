"""Experiments for those who manage flags, and what clients tell of themselves."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import AuthenticatedRequest
from core.api.serializers import InputSerializer
from core.errors import FieldProblem, InvalidError, NotFoundError
from flags.authentication import KeyOrBearerAuthentication
from flags.callers import Caller
from flags.documents import ORGANIZATION
from flags.experiments import clients, presenting, services
from flags.experiments import serializers as shapes
from flags.experiments.clients import Told
from flags.experiments.filters import ExperimentFilter
from flags.experiments.models import Experiment
from flags.experiments.services import Plan
from flags.management_views import ManagementViewSet
from flags.serializers import ReasonSerializer
from organizations.viewsets import AcrossOrganizations


class ExperimentViewSet(mixins.ListModelMixin, ManagementViewSet):
    """Experiments, the newest first."""

    queryset = Experiment.objects.with_environment()
    serializer_class = shapes.ExperimentSerializer
    filterset_class = ExperimentFilter

    @extend_schema(
        request=shapes.ExperimentStartSerializer, responses={201: shapes.ExperimentSerializer}
    )
    def start(self, request: AuthenticatedRequest) -> Response:
        """Begin to note who sees what of a flag. Nobody's answer changes."""
        fields, author = self.read(shapes.ExperimentStartSerializer)
        flag, environment = fields.pop("flag"), fields.pop("environment", None)
        plan = Plan(**{**fields, "goals": tuple(fields["goals"])})
        made = services.start(
            flag=flag, plan=plan, environment=environment, author=author, now=timezone.now()
        )
        return Response(presenting.plain(made), 201)

    @extend_schema(responses=shapes.ExperimentSerializer)
    def retrieve(self, request: AuthenticatedRequest, experiment_id: UUID) -> Response:
        """One experiment."""
        return Response(presenting.plain(_found(experiment_id)))

    @extend_schema(request=ReasonSerializer, responses=shapes.ExperimentSerializer)
    def stop(self, request: AuthenticatedRequest, experiment_id: UUID) -> Response:
        """End an experiment; what it found stays. Nobody's answer changes."""
        _, author = self.read(ReasonSerializer)
        now = timezone.now()
        ended = services.stop(experiment_id=experiment_id, author=author, now=now)
        return Response(presenting.plain(ended))

    @extend_schema(responses=shapes.ResultsSerializer)
    def results(self, request: AuthenticatedRequest, experiment_id: UUID) -> Response:
        """What an experiment found so far. Looking often does no harm to its errors."""
        return Response(presenting.plain_results(_found(experiment_id)))


def _found(experiment_id: UUID) -> Experiment:
    return Experiment.objects.with_environment().by_id(experiment_id)


# -- What clients tell -----------------------------------------------------------------------------
class MayTell(BasePermission):
    """People, for themselves, and keys of a whole environment; no tenant's key."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return clients.may_tell(Caller.of(request))


class TellingView(AcrossOrganizations):
    authentication_classes = [KeyOrBearerAuthentication]
    permission_classes = [IsAuthenticated, MayTell]

    def told(
        self, serializer: type[InputSerializer], many: str, one: str
    ) -> tuple[Caller, list[Told]]:
        """Return who tells, and what.

        Raises InvalidError, and NotFoundError for an organization that is not the caller's.
        """
        body = serializer(data=self.request.data)
        body.is_valid(raise_exception=True)
        caller = Caller.of(self.request)
        return caller, [
            Told(each["id"], each[one], _context(caller, each, f"/{many}/{index}"))
            for index, each in enumerate(body.validated_data[many])
        ]


def _context(caller: Caller, given: Mapping[str, Any], at: str) -> dict[str, Any]:
    if "context" in given and not caller.is_trusted:
        raise InvalidError(
            FieldProblem(f"{at}/context", "unknown_field", "A key of an environment says this.")
        )
    said = dict(given.get("context", {}))
    if "organization" in given:
        said[ORGANIZATION] = str(given["organization"])
        if ORGANIZATION not in caller.context(said):
            raise NotFoundError
    return said


def _answer(told: list[Told], counted: list[bool]) -> Response:
    pairs = zip(told, counted, strict=True)
    return Response({"results": [{"id": str(e.id), "is_counted": is_in} for e, is_in in pairs]})


class ExposuresView(TellingView):
    @extend_schema(request=shapes.ExposuresSerializer, responses=shapes.EveryToldSerializer)
    def post(self, request: Request) -> Response:
        """Tell that variants were shown. Which ones is what the rules answer the caller."""
        caller, told = self.told(shapes.ExposuresSerializer, "exposures", "flag")
        return _answer(told, clients.record_exposures(caller, told, now=timezone.now()))


class GoalsView(TellingView):
    @extend_schema(request=shapes.ReachedGoalsSerializer, responses=shapes.EveryToldSerializer)
    def post(self, request: Request) -> Response:
        """Tell that goals were reached."""
        caller, told = self.told(shapes.ReachedGoalsSerializer, "goals", "goal")
        return _answer(told, clients.record_goals(caller, told, now=timezone.now()))
