"""Errors on the wire: RFC 9457 problem details. The only module that knows HTTP's numbers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from core import problems
from core.errors import (
    MAX_PROBLEMS,
    ConflictError,
    DomainError,
    FieldProblem,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
    UnprocessableError,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUSES: list[tuple[type[DomainError], int]] = [
    (InvalidError, 400),
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (GoneError, 410),
    (PreconditionFailedError, 412),
    (UnprocessableError, 422),
    (RateLimitedError, 429),
    (UnavailableError, 503),
]


class MalformedJSONError(DomainError):
    code = "malformed_json"
    detail = "The body is not JSON in UTF-8 (RFC 8259), or is nested too deep."


class InvalidCursorError(DomainError):
    code = "invalid_cursor"
    detail = "This cursor does not belong to this list. Begin again with an empty cursor."


class PayloadTooLargeError(DomainError):
    code = "payload_too_large"
    detail = "The body is larger than 1 MiB. Nothing was saved."


class MethodNotAllowedError(DomainError):
    code = "method_not_allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(f"{method} is not possible here; {self.allowed} is.")


class UnsupportedMediaTypeError(DomainError):
    code = "unsupported_media_type"
    detail = "Send JSON in UTF-8: Content-Type: application/json, without a Content-Encoding."


class PreconditionRequiredError(DomainError):
    code = "precondition_required"
    detail = "Send If-Match with the ETag of what you read, so that nobody's change is lost."


class UnknownParameterError(InvalidError):
    code = "unknown_parameter"
    detail = "The address has a query parameter that this call does not know."


OWN_STATUSES: dict[type[DomainError], int] = {
    MalformedJSONError: 400,
    InvalidCursorError: 400,
    PayloadTooLargeError: 413,
    MethodNotAllowedError: 405,
    UnsupportedMediaTypeError: 415,
    PreconditionRequiredError: 428,
}


def status_of(error: DomainError) -> int:
    own = OWN_STATUSES.get(type(error))
    if own:
        return own
    return next((status for family, status in STATUSES if isinstance(error, family)), 400)


def body_of(
    *,
    code: str,
    status: int,
    detail: str,
    request_id: str,
    errors: Iterable[FieldProblem] = (),
) -> dict[str, Any]:
    known = problems.CATALOG.get(code)
    body = {
        "type": f"/problems/{problems.slug(code)}",
        "title": known.title if known else code,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }
    listed = [asdict(error) for error in errors]
    return body | {"errors": listed} if listed else body


def problem_response(request: HttpRequest, code: str, status: int, detail: str) -> HttpResponse:
    """Return a problem for code that stands outside a DRF view: middleware, error handlers."""
    request_id = request.META.get("tenantry.request_id", "")
    body = body_of(code=code, status=status, detail=detail, request_id=request_id)
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if status == 503 else {})
    return HttpResponse(orjson.dumps(body), status=status, content_type=MEDIA_TYPE, headers=headers)


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: turn whatever a view raised into a problem."""
    request = context["request"]
    refusal = _as_domain_error(error)
    request_id = request.META.get("tenantry.request_id", "")
    if refusal is not None:
        body = problem_of(refusal, request_id=request_id)
    else:
        log.error("http.unexpected_error", exc_info=error)
        detail = "Something broke on our side. It is logged."
        body = body_of(code="internal_error", status=500, detail=detail, request_id=request_id)
    return Response(body, body["status"], headers=_headers(refusal), content_type=MEDIA_TYPE)


def problem_of(refusal: DomainError, *, request_id: str) -> dict[str, Any]:
    """Return the problem that tells of a refusal, also for one row of many."""
    body = body_of(
        code=refusal.code,
        status=status_of(refusal),
        detail=refusal.message,
        request_id=request_id,
        errors=getattr(refusal, "problems", ()),
    )
    return {**body, **refusal.members}


def _headers(refusal: DomainError | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(refusal, UnauthenticatedError):
        flaw = (
            "" if refusal.code in {"not_authenticated", "invalid_credentials"} else _INVALID_TOKEN
        )
        headers["WWW-Authenticate"] = f'Bearer realm="api"{flaw}'
    if isinstance(refusal, MethodNotAllowedError):
        headers["Allow"] = refusal.allowed
    if refusal and refusal.retry_after_seconds:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return headers


_INVALID_TOKEN = ', error="invalid_token"'  # noqa: S105  a word of RFC 6750


def _as_domain_error(error: Exception) -> DomainError | None:
    """Translate what Django and DRF raise; None for a bug."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, drf.ValidationError):
        return InvalidError(*islice(field_problems(error.detail), MAX_PROBLEMS))
    if isinstance(error, (OperationalError, InterfaceError)):
        log.warning("database.unavailable", error=str(error).strip())
        return UnavailableError(retry_after_seconds=1)
    return next((make() for kinds, make in _TRANSLATIONS if isinstance(error, kinds)), None)


_TRANSLATIONS: list[tuple[Any, Any]] = [
    ((Http404, drf.NotFound), NotFoundError),
    (drf.NotAuthenticated, UnauthenticatedError),
    ((PermissionDenied, drf.PermissionDenied), ForbiddenError),
    (drf.UnsupportedMediaType, UnsupportedMediaTypeError),
    (drf.ParseError, MalformedJSONError),
    (SuspiciousOperation, InvalidError),
]

_CODES = {
    "required": "required",
    "max_length": "too_long",
    "max_string_length": "too_long",
    "null_characters_not_allowed": "null_character",
    "unknown_field": "unknown_field",
}


def field_problems(detail: Any, pointer: str = "") -> Iterator[FieldProblem]:
    """Flatten DRF's nested error detail into one line a fault, each with its JSON pointer."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            place = pointer if key == "non_field_errors" else f"{pointer}/{escaped(str(key))}"
            yield from field_problems(inner, place)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from field_problems(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        code = _CODES.get(getattr(detail, "code", ""), "invalid")
        yield FieldProblem(pointer, code, str(detail))


def escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
