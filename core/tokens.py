"""The one core of every link that is mailed: verification, reset, invitation.

A token is 256 bits, derived rather than carried: HMAC of the purpose, the row's id and a nonce of
the row under the server's key. So a mail job can render its link from an id, while the database
(which keeps a SHA-256 for the look-up), the logs and the job's arguments hold nothing that could be
used. The row also keeps the first six of the token's 43 characters, which leaves 220 bits unknown.
"""

import base64
import hashlib
import hmac
import os
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.errors import GoneError
from core.models import MailedToken, new_id

HINT_LENGTH = 6


class TokenUnknownError(GoneError):
    code = "token_unknown"


class TokenUsedError(GoneError):
    code = "token_used"
    detail = "This link has been used already. Nothing needs to be done."


class TokenExpiredError(GoneError):
    code = "token_expired"
    detail = "This link has expired. Ask for a new one."


class TokenSupersededError(GoneError):
    code = "token_superseded"
    detail = "A newer mail has replaced this link. Use the newest one."


@transaction.atomic
def issue(
    *,
    purpose: str,
    subject_id: UUID,
    binding: str,
    lifetime: timedelta,
    now: datetime,
    data: dict[str, Any] | None = None,
    keep_earlier: bool = False,
) -> MailedToken:
    """Make a token; earlier ones of the purpose and subject end, unless `keep_earlier`."""
    if not keep_earlier:
        MailedToken.objects.of(purpose, subject_id).supersede_all(now=now)
    token_id, nonce = new_id(), os.urandom(32)
    secret = _derive(purpose, token_id, nonce)
    return MailedToken.objects.add(
        id=token_id,
        purpose=purpose,
        subject_id=subject_id,
        binding=binding,
        data=data or {},
        nonce=nonce,
        digest=_digest(secret),
        hint=secret[:HINT_LENGTH],
        expires_at=now + lifetime,
    )


def revoke(*, purpose: str, subject_id: UUID, now: datetime) -> int:
    """End every unspent token of the purpose and subject; return how many."""
    return MailedToken.objects.of(purpose, subject_id).supersede_all(now=now)


def forget(*, subject_id: UUID) -> None:
    """Delete every token of a subject that goes for good."""
    MailedToken.objects.about(subject_id).delete()


def open_data(*, purpose: str, subject_id: UUID) -> list[dict[str, Any]]:
    """Return the data of every unspent token of the purpose and subject, expired or not."""
    return MailedToken.objects.of(purpose, subject_id).unspent().contents()


def replace_data(*, purpose: str, subject_id: UUID, data: dict[str, Any]) -> None:
    """Let every unspent token of the purpose and subject do this when it is spent."""
    MailedToken.objects.of(purpose, subject_id).unspent().replace_contents(data)


def secret_of(token: MailedToken) -> str:
    """Return what goes into the link. For a mail's rendering, or an operator who asked."""
    return _derive(token.purpose, token.pk, bytes(token.nonce))


def newest(*, purpose: str, subject_id: UUID) -> MailedToken | None:
    """Return the newest unspent token of the purpose and subject, for the job that mails it."""
    return MailedToken.objects.of(purpose, subject_id).unspent().newest()


def hints(*, purpose: str, subject_id: UUID) -> list[str]:
    """Return how each token of the purpose and subject begins, the newest first."""
    return MailedToken.objects.of(purpose, subject_id).hints()


def hinted(*, purpose: str, hint: str) -> list[UUID]:
    """Return the subjects of the tokens that begin so, whatever became of them."""
    if len(hint) != HINT_LENGTH:
        return []
    return MailedToken.objects.hinted(purpose, hint).subject_ids()


def find(*, purpose: str, secret: str) -> MailedToken | None:
    """Return the token whatever became of it, for callers who tell of the subject's own state."""
    return MailedToken.objects.by_digest(purpose, _digest(secret))


def look_up(*, purpose: str, secret: str, now: datetime) -> MailedToken:
    """Return the token without spending it, for pages that only show. Raises GoneError."""
    found = MailedToken.objects.by_digest(purpose, _digest(secret))
    return _usable(found, now=now)


def spend(*, purpose: str, secret: str, now: datetime) -> MailedToken:
    """Use the token up, inside the caller's transaction: two at once, and one wins.

    What is returned still has its `data`; the database has it no longer.
    Raises TokenUnknownError, TokenUsedError, TokenSupersededError or TokenExpiredError.
    """
    found = MailedToken.objects.locked().by_digest(purpose, _digest(secret))
    token = _usable(found, now=now)
    MailedToken.objects.spend(token, now=now)
    return token


def _usable(token: MailedToken | None, *, now: datetime) -> MailedToken:
    if token is None:
        raise TokenUnknownError
    if token.used_at is not None:
        raise TokenUsedError
    if token.superseded_at is not None:
        raise TokenSupersededError
    if token.expires_at <= now:
        raise TokenExpiredError
    return token


def _derive(purpose: str, token_id: UUID, nonce: bytes) -> str:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"mailed tokens", "sha256")
    raw = hmac.digest(key, purpose.encode() + b"\0" + token_id.bytes + nonce, "sha256")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
