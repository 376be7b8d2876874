"""The pages people see outside the API: the front page, the problem types, and errors."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.apps import apps
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from core import problems
from core.api import exceptions
from core.running import services

View = Callable[..., HttpResponse]

DOORS = [
    ("Console", "/console", "Notifications and what happens, live, for whoever signs in."),
    ("API reference", "/api/docs", "Every call with its fields, to read and to try."),
    ("Schema", "/api/schema", "The same as OpenAPI 3.1, for generating clients."),
    ("Realtime", "/api/asyncapi/docs", "What goes over the WebSocket, and why it closes."),
    ("Admin", "/admin/", "For the people who run this: accounts and what belongs to them."),
    ("Problem types", "/problems", "What each error code means and what to do about it."),
    ("Health", "/health/ready", "Whether this server wants traffic, for balancers and monitors."),
    ("Signing keys", "/.well-known/jwks.json", "The public keys that access tokens verify with."),
]
MAIL_DOOR = ("Mail", "/dev/mail", "What would have been sent, kept on this machine.")

WORDS = {
    400: ("This request can't be read", "Something in the address or the form is not as expected."),
    403: (
        "This is not allowed",
        "You may not open this, or the form was open for too long. Nothing was changed. "
        "Go back, load the page again and retry.",
    ),
    404: (
        "There is nothing here",
        "The address may be mistyped, or what was here has moved or ended. Nothing was lost.",
    ),
    405: (
        "This page can only be read",
        "Nothing here can be changed, and nothing was. Load the page again.",
    ),
    429: (
        "Too many requests at once",
        "Nothing was lost. Wait a few minutes, then load the page again.",
    ),
    500: (
        "Something went wrong on our side",
        "It was written down, and nothing you did caused it. Try again in a moment.",
    ),
    503: (
        "The database can't be reached",
        "Nothing was changed, and nothing that was confirmed is lost. Try again in a moment.",
    ),
}
CODES = {
    400: "validation_error",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    429: "rate_limited",
    500: "internal_error",
    503: "database_unavailable",
}


def answering(*methods: str) -> Callable[[View], View]:
    """Answer these methods with the view, and any other with what is possible."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **captured: Any) -> HttpResponse:
            if request.method in methods:
                return view(request, **captured)
            asked = request.method == "OPTIONS"
            response = HttpResponse(status=204) if asked else error(request, 405)
            response["Allow"] = ", ".join([*methods, "OPTIONS"])
            return response

        return guarded

    return decorate


read_only = answering("GET", "HEAD")


@read_only
def front(request: HttpRequest) -> HttpResponse:
    doors = [*DOORS, MAIL_DOOR] if settings.DEVELOPMENT else DOORS
    context = {
        "version": settings.VERSION,
        "debug": settings.DEVELOPMENT,
        "public_url": settings.PUBLIC_URL,
        "services": services(),
        "rooms": _rooms(),
        "doors": [dict(zip(("name", "href", "note"), door, strict=True)) for door in doors],
    }
    return _page("pages/front.html", context)


def _rooms() -> list[dict[str, str]]:
    """Return what is installed: an app stands in the house by `summary` on its AppConfig."""
    summaries = [
        (config.verbose_name, getattr(config, "summary", "")) for config in apps.get_app_configs()
    ]
    return [{"name": str(name), "summary": summary} for name, summary in summaries if summary]


@read_only
def problem_index(request: HttpRequest) -> HttpResponse:
    ordered = sorted(problems.CATALOG.values(), key=lambda each: (each.statuses, each.code))
    return _page("pages/problem_index.html", {"problems": ordered})


@read_only
def problem(request: HttpRequest, slug: str) -> HttpResponse:
    found = problems.by_slug(slug)
    if found is None:
        raise Http404
    return _page("pages/problem.html", {"problem": found, "example": _example(found)})


def _example(entry: problems.Problem) -> str:
    shown = problems.CATALOG["validation_error"] if entry.in_errors else entry
    body: dict[str, Any] = {
        "type": f"/problems/{shown.slug}",
        "title": shown.title,
        "status": shown.statuses[0],
        "code": shown.code,
        "detail": shown.meaning,
        "request_id": "0c6f5e1a9b7d4f0f8f0a",
    }
    if shown.code == "validation_error":
        field = entry if entry.in_errors else problems.CATALOG["invalid"]
        body["errors"] = [{"pointer": "/email", "code": field.code, "detail": field.title}]
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: a form that was open for too long, or came from elsewhere."""
    return error(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 404)


def too_many_requests(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell a database that is away, which passes, from a mistake of ours."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    return error(request, 503 if away else 500)


def error(request: HttpRequest, status: int) -> HttpResponse:
    """Answer a browser with a page and everybody else with a problem (RFC 9457)."""
    title, detail = WORDS[status]
    if not _is_browser(request):
        return exceptions.problem_response(request, CODES[status], status, f"{title}. {detail}")
    request_id = request.META.get("tenantry.request_id")
    context = {"status": status, "title": title, "detail": detail, "request_id": request_id}
    response = _page("pages/error.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "1"
    return response


def _is_browser(request: HttpRequest) -> bool:
    # Read raw: request.accepts() parses every range of a header that may be long.
    wants_page = "text/html" in str(request.META.get("HTTP_ACCEPT", "")).lower()
    return wants_page and not request.path_info.startswith("/api/")


def _page(template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    # Without the request no context processor runs: an error page needs no session and no database.
    return HttpResponse(render_to_string(template, context), status=status)
