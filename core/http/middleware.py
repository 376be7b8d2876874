"""What happens to every request, whatever view it reaches."""

import time
from collections.abc import Callable

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from core import pages
from core.http import tracing
from core.http.client import client_address
from core.http.policies import policy

log = structlog.get_logger("http")

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestMiddleware:
    """Outermost: names the request, and writes one log line about it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = _identify(request)
        path = request.path_info
        if path.endswith("/") and path.startswith("/api/"):
            request.path_info = request.path = path.rstrip("/")  # the same place, no redirect
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        _tell_length(response)
        log.info(
            "http.request",
            status=response.status_code,
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
        )
        return response


def _tell_length(response: HttpResponse) -> None:
    """Let the answer go out in one piece; without a length it would be chunked."""
    if not response.streaming and response.status_code not in {204, 304}:
        response.headers.setdefault("Content-Length", str(len(response.content)))


def _identify(request: HttpRequest) -> str:
    request_id = tracing.request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
    address = client_address(request)
    request.META["tenantry.request_id"] = request_id
    request.META["tenantry.client_address"] = address
    clear_contextvars()
    bind_contextvars(
        request_id=request_id,
        trace_id=tracing.trace_id(request.META.get("HTTP_TRACEPARENT", "")),
        ip_address=address,
        method=request.method,
        path=request.path_info,
    )
    return request_id


class ContentPolicyMiddleware:
    """Tells browsers what a page may load: nothing but our own, and for the API nothing at all."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        chosen = policy(request.path_info, response.get("Content-Type", ""))
        response.headers.setdefault("Content-Security-Policy", chosen)
        return response


class HostMiddleware:
    """Refuses foreign hosts; inside of what gives every answer its security headers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            _check_host(request)
        except DisallowedHost as error:
            return pages.bad_request(request, error)
        return self.get_response(request)


def _check_host(request: HttpRequest) -> None:
    """Raise DisallowedHost for a name that is not ours or a port that no host has."""
    port = request.get_host().rpartition(":")[2]
    if port.isdigit() and int(port) > 65_535:
        raise DisallowedHost("no such port")
