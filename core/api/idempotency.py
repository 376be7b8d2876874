"""`Idempotency-Key` (IETF httpapi draft): a repeated POST takes effect once and is answered alike.

The remembered answer is a row in the transaction of the effect, so that neither a kill nor a
flushed cache can part them. A second caller does not wait for the first: a try-lock tells it at
once. Answers may hold tokens, so they are encrypted under the caller's key, of which only a hash is
stored.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import ConflictError, FieldProblem, InvalidError, UnprocessableError
from core.models import IdempotentAnswer

KEPT_FOR = timedelta(hours=24)
STORABLE = {400, 403, 404, 409, 410, 422}
KEPT_HEADERS = ("Content-Type", "Location", "Link", "WWW-Authenticate")

Attempt = Callable[[Callable[[], Response]], HttpResponse]


class IdempotencyInProgressError(ConflictError):
    code = "idempotency_in_progress"
    detail = "The first request with this Idempotency-Key is still running. Ask again in a moment."


class IdempotencyMismatchError(UnprocessableError):
    code = "idempotency_mismatch"


def answer_once(
    request: Request, work: Callable[[], HttpResponse], *, replay: Attempt
) -> HttpResponse:
    """Return the answer of `work`, or the one that was given to this key before.

    Raises InvalidError for a malformed key, IdempotencyInProgressError while the first still runs,
    IdempotencyMismatchError when the key was used with another body.
    """
    key = _key(request)
    scope, body_digest = _scope(request, key), _body_digest(request, key)
    with transaction.atomic():
        if not IdempotentAnswer.objects.try_lock(scope):
            raise IdempotencyInProgressError(retry_after_seconds=1)
        earlier = IdempotentAnswer.objects.given(scope, since=timezone.now() - KEPT_FOR)
        if earlier is not None:
            return replay(lambda: _replay(earlier, body_digest, _secret(request, key, b"answer")))
        response = work()
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif response.status_code < 300 or response.status_code in STORABLE:
            IdempotentAnswer.objects.keep(
                scope=scope,
                body_digest=body_digest,
                status=response.status_code,
                sealed=_seal(response, _secret(request, key, b"answer")),
            )
        return response


def _key(request: Request) -> str:
    key = str(request.META["HTTP_IDEMPOTENCY_KEY"])
    if not re.fullmatch(r"[\x21-\x7e]{8,255}", key):
        detail = "An Idempotency-Key is 8 to 255 printable ASCII characters."
        raise InvalidError(FieldProblem("", "invalid", detail))
    return key


def _scope(request: Request, key: str) -> bytes:
    """Digest caller, method, path and key.

    A view that authenticates nobody may still act on the token that it is sent, as signing out
    does: then each token is a caller of its own.
    """
    user, meta = request.user, request.META
    address, token = meta["tenantry.client_address"], meta.get("HTTP_AUTHORIZATION", "")
    caller = [f"user:{user.pk}"] if user.is_authenticated else [address, token]
    parts = orjson.dumps([*caller, request.method, request.path, key])
    return hashlib.sha256(parts).digest()


def _secret(request: Request, key: str, purpose: bytes) -> bytes:
    return hmac.digest(
        settings.SECRET_KEY.encode(), purpose + _scope(request, key) + key.encode(), "sha256"
    )


def _body_digest(request: Request, key: str) -> bytes:
    # Keyed: a body may hold a password, whose bare digest could be guessed against.
    return hmac.digest(_secret(request, key, b"body"), request._request.body, "sha256")


def _seal(response: HttpResponse, secret: bytes) -> bytes:
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    plain = orjson.dumps([headers, response.content.decode()])
    nonce = os.urandom(12)
    return nonce + AESGCM(secret).encrypt(nonce, plain, None)


def _replay(earlier: IdempotentAnswer, body_digest: bytes, secret: bytes) -> Response:
    if not hmac.compare_digest(bytes(earlier.body_digest), body_digest):
        raise IdempotencyMismatchError
    sealed = bytes(earlier.sealed)
    try:
        plain = AESGCM(secret).decrypt(sealed[:12], sealed[12:], None)
    except InvalidTag:  # SECRET_KEY has changed since
        raise IdempotencyMismatchError from None
    headers, content = orjson.loads(plain)
    data: Any = orjson.loads(content) if content else None
    content_type = headers.pop("Content-Type", None)
    headers["Idempotent-Replayed"] = "true"
    return Response(data, earlier.status, headers=headers, content_type=content_type)
