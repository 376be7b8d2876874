"""The admin's doors, with the rules of the house."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars
from unfold.sites import UnfoldAdminSite

from core import pages
from core.postgres import row_security
from core.ratelimits import LimitReachedError

CLOSED = {"password_change", "password_change_done"}
"""Pages that would choose a password past our rules, and leave every session as it is."""


class AdminSite(UnfoldAdminSite):
    def get_urls(self) -> list[Any]:
        return [entry for entry in super().get_urls() if getattr(entry, "name", None) not in CLOSED]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Show staff every organization's rows, where a wall between them is up."""
        page = super().admin_view(_named(view), cacheable)

        @wraps(page)
        def everywhere(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with row_security.everywhere():
                response: HttpResponse = page(request, *args, **kwargs)
                return response.render() if hasattr(response, "render") else response

        return everywhere

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().login(request, extra_context)
        except LimitReachedError as error:
            response = pages.too_many_requests(request, error)
            response["Retry-After"] = str(error.retry_after_seconds)
            return response


def _named(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let the log, and whatever else is written down, tell which operator it was."""

    @wraps(view)
    def named(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        bind_contextvars(operator_id=str(request.user.pk))
        return view(request, *args, **kwargs)

    return named
