from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.views import ApiView
from core.errors import UnavailableError
from realtime import event_streams, tickets
from realtime.people import Person
from realtime.serializers import TicketSerializer


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


class TicketView(ApiView):
    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Get a ticket for one connection of this session: `/ws/v1?ticket=…`, within 30 seconds."""
        self.count("tickets", str(request.user.pk))
        claims = request.auth
        expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
        ticket = tickets.issue(person=Person(claims.user_id, claims.session_id, expires_at))
        return Response({"ticket": ticket, "expires_in_s": tickets.LIFETIME_SECONDS}, 201)
