"""Keys as callers: what SDKs present instead of a person's token."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.authentication import BearerAuthentication
from accounts.errors import TokenInvalidError
from core.errors import UnauthenticatedError
from flags.models import FlagKey
from flags.services import keys


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever holds a key, in the place of a user."""

    pk: UUID
    """Of the key: limits count by it."""
    is_authenticated: bool = True
    is_staff: bool = False
    is_active: bool = True


class KeyAuthentication(BaseAuthentication):
    """`Authorization: <key>`, as Unleash's clients send it."""

    def authenticate(self, request: Request) -> tuple[Any, FlagKey]:
        return holder(_bare(str(request.META.get("HTTP_AUTHORIZATION", ""))))


class KeyOrBearerAuthentication(BearerAuthentication):
    """`X-API-Key: <key>`, `Authorization: Bearer <key>`, or a person's access token."""

    def authenticate(self, request: Request) -> Any:
        given = str(request.META.get("HTTP_X_API_KEY", "")).strip()
        header = _bare(str(request.META.get("HTTP_AUTHORIZATION", "")))
        if not given and header.startswith(keys.BEGINNING):
            given = header
        return holder(given) if given else super().authenticate(request)


class KeyOrBearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyOrBearerAuthentication
    name = "keyOrAccessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "flagKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization"}


def holder(secret: str) -> tuple[KeyHolder, FlagKey]:
    """Raises UnauthenticatedError without a key, TokenInvalidError for one that does not hold."""
    if not secret:
        raise UnauthenticatedError
    found = keys.resolve(secret)
    if found is None:
        raise TokenInvalidError
    return KeyHolder(found.pk), found


def _bare(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header.strip()
