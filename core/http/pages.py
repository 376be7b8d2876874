"""Django's cookie-bound middleware, for pages and the admin alone.

The API authenticates by header, so sessions, CSRF and messages would be work for nothing, and a
cookie that did something there would be a hole.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import csrf, locale

API_PREFIXES = (
    "/api/", "/ofrep/", "/unleash/", "/sse/", "/health/", "/.well-known/", "/static/",
)  # fmt: skip


class StepsAsideForTheApi:
    """Mixed in before a middleware: requests of the API pass it by."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIXES):
            response: HttpResponseBase = self.get_response(request)
            return response
        return super().__call__(request)  # type: ignore[misc,no-any-return]


class SessionMiddleware(StepsAsideForTheApi, sessions.SessionMiddleware):
    pass


class LocaleMiddleware(StepsAsideForTheApi, locale.LocaleMiddleware):
    pass


class CsrfViewMiddleware(StepsAsideForTheApi, csrf.CsrfViewMiddleware):
    pass


class AuthenticationMiddleware(StepsAsideForTheApi, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(StepsAsideForTheApi, messages.MessageMiddleware):
    pass
