"""Pages behind mailed links. GET shows, POST spends, so that mail scanners burn nothing."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.services import registration
from core import tokens
from core.errors import GoneError
from core.pages import answering

STATES = {
    "token_used": "used",
    "token_expired": "expired",
    "token_superseded": "superseded",
    "token_unknown": "unknown",
}


@answering("GET", "HEAD", "POST")
def verify_email(request: HttpRequest, token: str) -> HttpResponse:
    now = timezone.now()
    try:
        found = _spend(token, now=now) if request.method == "POST" else _look(token, now=now)
    except GoneError as error:
        found = {"state": STATES[error.code]}
    status = 200 if found["state"] in {"ready", "done"} else 410
    response = render(request, "pages/verify_email.html", {"token": token} | found, status=status)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def _look(token: str, *, now: datetime) -> dict[str, Any]:
    tokens.look_up(purpose=registration.PURPOSE, secret=token, now=now)
    return {"state": "ready"}


def _spend(token: str, *, now: datetime) -> dict[str, Any]:
    user = registration.verify_email(token=token, now=now)
    return {"state": "done", "has_password": user.has_usable_password()}
