from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.views import ApiView
from realtime import tickets
from realtime.people import Person
from realtime.serializers import TicketSerializer


class TicketView(ApiView):
    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Get a ticket for one connection of this session: `/ws/v1?ticket=…`, within 30 seconds."""
        self.count("tickets", str(request.user.pk))
        claims = request.auth
        expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
        ticket = tickets.issue(person=Person(claims.user_id, claims.session_id, expires_at))
        return Response({"ticket": ticket, "expires_in_s": tickets.LIFETIME_SECONDS}, 201)
