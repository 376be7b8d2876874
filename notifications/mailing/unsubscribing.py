"""The link in a mail that stops mails of its kind (RFC 2369), by one click (RFC 8058).

It works logged out and for ever, also twice: what it may do is signed into it, and is no secret.
"""

from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from notifications import kinds

SALT = "notifications.unsubscribe"


def address(user_id: UUID, kind: str) -> str:
    token = Signer(salt=SALT, sep=".").sign(f"{user_id}~{kind}")
    return f"{settings.PUBLIC_URL}/notifications/unsubscribe/{token}"


def read(token: str) -> tuple[UUID, str] | None:
    """Return whom it is about and which kind; None for what we never signed."""
    try:
        user_id, _, kind = Signer(salt=SALT, sep=".").unsign(token).partition("~")
        return (UUID(user_id), kind) if kinds.is_name(kind) else None
    except (BadSignature, ValueError):
        return None


def headers(stop: str | None) -> dict[str, str]:
    if stop is None:
        return {}
    return {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
