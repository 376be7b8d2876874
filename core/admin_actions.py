"""Actions of the admin that ask first: how many, whom by name, and what will happen."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.errors import DomainError, NotFoundError

MOST = 500
"""Rows that one action takes; for more there are commands."""

TOLD = 10
"""Refusals that are told one by one."""

Action = Callable[[Any, HttpRequest, Any], None]


def asking(question: str, *, button: str) -> Callable[[Action], Callable[..., HttpResponse | None]]:
    """Run the action only after a page that asks, and names and counts the rows.

    Nothing runs for more than MOST of them.
    """

    def decorate(action: Action) -> Callable[..., HttpResponse | None]:
        @wraps(action)
        def guarded(admin: Any, request: HttpRequest, rows: Any) -> HttpResponse | None:
            chosen = list(rows[: MOST + 1])
            if len(chosen) > MOST:
                admin.message_user(request, f"Choose at most {MOST}.", messages.ERROR)
                return None
            if "confirmed" in request.POST:
                action(admin, request, rows)
                return None
            return TemplateResponse(
                request,
                "admin/ask_first.html",
                {
                    **admin.admin_site.each_context(request),
                    "title": question,
                    "button": button,
                    "rows": chosen,
                    "opts": admin.model._meta,
                    "action": request.POST["action"],
                    "checkbox": ACTION_CHECKBOX_NAME,
                },
            )

        return guarded

    return decorate


def each(
    admin: Any,
    request: HttpRequest,
    rows: Any,
    act: Callable[[Any], object],
    *,
    done: str,
    missing: str,
) -> None:
    """Do one thing to each row, and say of those that are refused why; the others are done.

    `done` ends a sentence, "3 suspended"; `missing` is said where the service finds nothing.
    """
    chosen = list(rows)
    refused = [f"{row}: {why}" for row in chosen if (why := _why_not(act, row, missing))]
    for line in refused[:TOLD]:
        admin.message_user(request, line, messages.ERROR)
    if len(refused) > TOLD:
        admin.message_user(request, f"{len(refused) - TOLD} more were refused.", messages.ERROR)
    if len(chosen) > len(refused):
        admin.message_user(request, f"{len(chosen) - len(refused)} {done}.")


def _why_not(act: Callable[[Any], object], row: Any, missing: str) -> str | None:
    """Return why the row was refused; None when it was done."""
    try:
        act(row)
    except NotFoundError:
        return missing
    except DomainError as error:
        return error.message
    return None
