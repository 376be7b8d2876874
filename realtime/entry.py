"""Who may connect, and as whom."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import jwt
from accounts.errors import SessionRevokedError
from accounts.models import UserSession
from realtime.batches import Batch
from realtime.people import Person
from realtime.protocol import SUBPROTOCOL

BEARER = "bearer."


def _open_sessions(ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    return UserSession.objects.people_behind(ids, now=timezone.now())


sessions: Batch[UUID, UUID] = Batch(_open_sessions)
"""The user behind each session that is open, of an active account."""


async def person(token: str) -> Person:
    """Return who an access token belongs to, now. Raises UnauthenticatedError."""
    claims = jwt.read(token, "access", now=timezone.now())
    user_id = await sessions.get(claims.session_id)
    if user_id is None or user_id != claims.user_id:
        raise SessionRevokedError
    expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
    return Person(user_id, claims.session_id, expires_at)


def is_foreign(scope: Mapping[str, Any]) -> bool:
    """Tell whether a page of somebody else's opened this; who sends no Origin is no browser."""
    origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    allowed = {settings.PUBLIC_URL, *settings.CORS_ALLOWED_ORIGINS}
    return any(_origin(origin) not in allowed for origin in origins)


def _origin(text: str) -> str:
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else "null"


def offered_token(scope: Mapping[str, Any]) -> str | None:
    """Return the token among the offered subprotocols."""
    for name in scope.get("subprotocols", ()):
        if name.startswith(BEARER):
            return str(name.removeprefix(BEARER))
    return None


def offered_ticket(scope: Mapping[str, Any]) -> str | None:
    """Return the ticket in the address."""
    given = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return given["ticket"][0] if "ticket" in given else None


def speaks_our_protocol(scope: Mapping[str, Any]) -> bool:
    """Tell whether ours is offered, or none at all, which counts as ours."""
    offered = [name for name in scope.get("subprotocols", ()) if not name.startswith(BEARER)]
    return SUBPROTOCOL in offered or not scope.get("subprotocols")
