"""Pages of an account's life, most of them behind mailed links.

GET shows and POST spends, so that mail scanners, which open every link they see, burn nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts import page_words
from accounts.page_words import Field, Page
from accounts.serializers import EmailSerializer, PasswordSerializer
from accounts.services import address_change, deletion, password, registration
from core import ratelimits, tokens
from core.api.exceptions import field_problems
from core.api.serializers import InputSerializer
from core.errors import ConflictError, GoneError, InvalidError
from core.pages import answering
from core.ratelimits import LimitReachedError

STATES = {
    "token_used": "used",
    "token_expired": "expired",
    "token_superseded": "superseded",
    "token_unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A page behind a mailed link: what the link is for, and what the button does with it."""

    purpose: str
    spend: Callable[..., object]
    """A service that takes `token`, `now` and what was typed into the form."""
    where: str
    words: Page
    field: Field | None = None
    form: type[InputSerializer] = InputSerializer


LINK_PAGES = {
    "verify-email": LinkPage(
        registration.PURPOSE, registration.verify_email, "Email address", page_words.VERIFY_EMAIL
    ),
    "reset-password": LinkPage(
        password.RESET,
        password.reset,
        "Password",
        page_words.RESET_PASSWORD,
        page_words.NEW_PASSWORD,
        PasswordSerializer,
    ),
    "confirm-email": LinkPage(
        password.CHANGE_ADDRESS,
        address_change.confirm,
        "Email address",
        page_words.CONFIRM_EMAIL,
    ),
    "revert-email": LinkPage(
        address_change.REVERT, address_change.revert, "Email address", page_words.REVERT_EMAIL
    ),
    "cancel-deletion": LinkPage(
        deletion.CANCEL, deletion.cancel, "Account", page_words.CANCEL_DELETION
    ),
}
"""By the first part of their address, the token being the second."""


@answering("GET", "HEAD", "POST")
def link(request: HttpRequest, token: str, page: LinkPage) -> HttpResponse:
    now = timezone.now()
    shown: dict[str, Any] = {"where": page.where, "token": token, "field": page.field}
    try:
        tokens.look_up(purpose=page.purpose, secret=token, now=now)
        if request.method == "POST":
            page.spend(token=token, now=now, **_typed(request, page.form))
            return _show(request, page.words, "done", **shown)
    except GoneError as error:
        return _show(request, page.words, STATES[error.code], status=410, **shown)
    except ConflictError:
        return _show(request, page.words, "conflict", status=409, **shown)
    except InvalidError as error:
        return _ask_again(request, page.words, error, **shown)
    return _show(request, page.words, "ready", **shown)


@answering("GET", "HEAD", "POST")
def forgot_password(request: HttpRequest) -> HttpResponse:
    shown: dict[str, Any] = {"where": "Password", "field": page_words.ADDRESS}
    words = page_words.FORGOT_PASSWORD
    if request.method != "POST":
        return _show(request, words, "ready", **shown)
    try:
        ratelimits.take("address", request.META["tenantry.client_address"])
        password.ask_for_link(now=timezone.now(), **_typed(request, EmailSerializer))
    except InvalidError as error:
        return _ask_again(request, words, error, **shown)
    except LimitReachedError as error:
        return _refuse(request, words, error, **shown)
    return _show(request, words, "done", **shown)


def _typed(request: HttpRequest, form: type[InputSerializer]) -> dict[str, Any]:
    """Return what was typed, held to the rules of the API. Raises InvalidError."""
    names = map(str, form().fields)
    body = form(data={name: request.POST.get(name, "") for name in names})
    if not body.is_valid():
        raise InvalidError(*field_problems(body.errors))
    return dict(body.validated_data)


def _ask_again(
    request: HttpRequest, words: Page, error: InvalidError, **shown: Any
) -> HttpResponse:
    """Show the form with what was wrong, and without what was typed."""
    problems = [problem.detail for problem in error.problems]
    return _show(request, words, "ready", status=400, problems=problems, **shown)


def _refuse(
    request: HttpRequest, words: Page, error: LimitReachedError, **shown: Any
) -> HttpResponse:
    seconds = error.verdict.retry_after_seconds
    shown["minutes"] = -(-seconds // 60)
    response = _show(request, words, "limited", status=429, **shown)
    response["Retry-After"] = str(seconds)
    return response


def _show(
    request: HttpRequest, words: Page, state: str, *, status: int = 200, **shown: Any
) -> HttpResponse:
    context = {"words": words[state], "is_done": state == "done", **shown}
    response = render(request, "pages/action.html", context, status=status)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
