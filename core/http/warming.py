"""What a first request would wait for, done before a server says that it is there.

Django and DRF put off most of their work until somebody asks: templates are compiled, patterns
and their names gathered, connections opened. Asked by ourselves, nobody waits for it; and all that
it makes is there when the server takes what exists out of the garbage collector's sight.
"""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connection

PATHS = ("/admin/login/", "/", "/api/v1/users/me")
NAME = "warm-up"
"""The id of these requests in the log."""


def warm(application: Callable[..., Any], *, token: str) -> None:
    """Ask for a page, a form and a refusal, in the thread that will serve the first request.

    With stores that are away this takes a few seconds, and changes nothing.
    """
    with suppress(Error):  # /health/ready tells of it
        connection.ensure_connection()
    for path in PATHS:
        ask(application, path, token=token)


def ask(application: Callable[..., Any], path: str, *, token: str) -> int:
    """Have a page made, and return its status."""
    response = application(_environ(path, token), lambda *_: None)
    response.close()
    return int(response.status_code)


def _environ(path: str, token: str) -> dict[str, Any]:
    """Return a GET as PEP 3333 has it, from an address that nobody has."""
    public = urlsplit(settings.PUBLIC_URL)
    host = settings.ALLOWED_HOSTS[0].lstrip("*.") or public.hostname
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(public.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "0.0.0.0",  # noqa: S104  nobody's count of requests grows
        "HTTP_HOST": host,
        "HTTP_X_REQUEST_ID": NAME,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.url_scheme": public.scheme,
        "wsgi.input": BytesIO(),
    }
