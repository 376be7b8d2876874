"""Access and refresh tokens: JWTs (RFC 7519) bound to a session, read strictly (RFC 8725).

The algorithm is pinned, the key is chosen among ours by `kid`, and nothing in a token is followed.
Signatures are checked once per process and token; expiry is checked every time.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID, uuid4

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend

from accounts import keys
from accounts.errors import TokenExpiredError, TokenInvalidError
from accounts.keys import SigningKey

ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 30
MAX_LENGTH = 4096

Kind = Literal["access", "refresh"]
Keys = tuple[SigningKey, ...]


class UnknownKeyError(TokenInvalidError):
    """The token names a key that is none of those in force."""


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: UUID
    session_id: UUID
    token_id: UUID
    kind: str
    expires_at: int
    """Seconds since the epoch."""


class RotatingBackend(TokenBackend):
    """simplejwt's backend, with several keys told apart by `kid`."""

    def encode(self, payload: dict[str, Any]) -> str:
        signer = keys.ring().current()[0]
        headers = {"kid": signer.kid}
        return jwt.encode(payload, signer.private, algorithm=ALGORITHM, headers=headers)

    def decode_ignoring_expiry(self, token: str, known: Keys) -> dict[str, Any]:
        required = ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"]
        return jwt.decode(
            token,
            _key_of(token, known).private.public_key(),
            algorithms=[ALGORITHM],
            audience=self.audience,
            issuer=self.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": required, "verify_exp": False},
        )


def _key_of(token: str, known: Keys) -> SigningKey:
    kid = jwt.get_unverified_header(token).get("kid")
    for key in known:
        if key.kid == kid:
            return key
    raise UnknownKeyError


@lru_cache(maxsize=1)
def _backend(issuer: str) -> RotatingBackend:
    return RotatingBackend(ALGORITHM, audience=f"{issuer}/api", issuer=issuer)


def mint(kind: Kind, *, user_id: UUID, session_id: UUID, token_id: UUID, now: datetime) -> str:
    """Return a signed token; the same arguments give the same token."""
    lifetime = settings.ACCESS_LIFETIME if kind == "access" else settings.REFRESH_LIFETIME
    backend = _backend(settings.PUBLIC_URL)
    return backend.encode(
        {
            "iss": backend.issuer,
            "aud": backend.audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(token_id),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "typ": kind,
        }
    )


def mint_access(*, user_id: UUID, session_id: UUID, now: datetime) -> str:
    return mint("access", user_id=user_id, session_id=session_id, token_id=uuid4(), now=now)


def read(token: str, kind: Kind, *, now: datetime) -> Claims:
    """Return what a token of ours claims. Raises TokenInvalidError or TokenExpiredError."""
    claims = read_expired(token, kind)
    if now.timestamp() >= claims.expires_at + LEEWAY_SECONDS:
        raise TokenExpiredError
    return claims


def read_expired(token: str, kind: Kind) -> Claims:
    """Like `read`, but an expired token is good enough: for logging out with it."""
    if len(token) > MAX_LENGTH:
        raise TokenInvalidError
    try:
        claims = _verified(token, settings.PUBLIC_URL, keys.ring().current())
    except UnknownKeyError:  # made a moment ago by another process, or never
        claims = _verified(token, settings.PUBLIC_URL, keys.ring().latest())
    if claims.kind != kind:
        raise TokenInvalidError
    return claims


@lru_cache(maxsize=20_000)
def _verified(token: str, issuer: str, known: Keys) -> Claims:
    # `known` is part of the cache's key: a token of a key that was taken away is forgotten with it.
    try:
        payload = _backend(issuer).decode_ignoring_expiry(token, known)
        return Claims(
            user_id=UUID(payload["sub"]),
            session_id=UUID(payload["sid"]),
            token_id=UUID(payload["jti"]),
            kind=str(payload["typ"]),
            expires_at=int(payload["exp"]),
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        raise TokenInvalidError from None
