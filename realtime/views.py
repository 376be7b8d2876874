from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.views import ApiView
from core.errors import UnavailableError
from realtime import event_streams, positions, tickets
from realtime.people import Person
from realtime.serializers import PositionSerializer, TicketSerializer


class EventStreamView(ApiView):
    """The head of GET /sse/v1; realtime/event_streams.py judged who asks, and sends the rest."""

    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        try:
            refusal = event_streams.judgement.get()
        except LookupError:
            raise UnavailableError("Events are streamed by the ASGI server alone.") from None
        if refusal is not None:
            raise refusal
        headers = {"X-Accel-Buffering": "no"}
        return HttpResponse(content_type="text/event-stream", headers=headers)


class PositionView(ApiView):
    query_parameters = frozenset({"channel"})

    @extend_schema(
        parameters=[OpenApiParameter("channel", required=True, description="Its name.")],
        responses={200: PositionSerializer},
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        """How far a channel has come. Fetch what you show after this, then subscribe with `since`
        as "<epoch>:<offset>": what is said from here on makes your list the final state.
        """
        channel = request.query_params.get("channel", "")
        found = positions.of(channel=channel, person=_person(request))
        return Response({"channel": channel, "epoch": found.epoch, "offset": found.offset})


def _person(request: AuthenticatedRequest) -> Person:
    claims = request.auth
    expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
    return Person(claims.user_id, claims.session_id, expires_at)


class TicketView(ApiView):
    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Get a ticket for one connection of this session: `/ws/v1?ticket=…`, within 30 seconds."""
        self.count("tickets", str(request.user.pk))
        ticket = tickets.issue(person=_person(request))
        return Response({"ticket": ticket, "expires_in_s": tickets.LIFETIME_SECONDS}, 201)
