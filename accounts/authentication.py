from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from accounts import jwt, session_cache
from accounts.errors import SessionRevokedError, TokenInvalidError
from accounts.jwt import Claims
from accounts.models import User
from core import ratelimits
from core.ratelimits import COUNTED


def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header; None without one. Raises TokenInvalidError."""
    header = str(request.META.get("HTTP_AUTHORIZATION", ""))
    if not header:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or " " in token.strip():
        raise TokenInvalidError
    return token.strip()


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>` and nothing else: no cookies, no addresses."""

    def authenticate(self, request: Request) -> tuple[User, Claims] | None:
        token = bearer_token(request)
        if token is None:
            return None
        now = timezone.now()
        claims = jwt.read(token, "access", now=now)
        user = _person(request, claims, now=now)
        if user is None or user.pk != claims.user_id:
            raise SessionRevokedError
        bind_contextvars(user_id=str(user.pk))
        return user, claims


def _person(request: Request, claims: Claims, *, now: datetime) -> User | None:
    """Load who asks; where the view counts by user, count the request in the same round trip."""
    by_user = getattr(request.parser_context["view"], "counts_by_user", False)
    tried = ratelimits.prepare("user", str(claims.user_id)) if by_user else None
    if tried is None:
        return session_cache.load(claims.session_id, now=now)
    user, request.META[COUNTED] = session_cache.load_and_count(claims.session_id, tried, now=now)
    return user


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
