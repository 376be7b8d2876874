"""The call itself: to an address that was checked, without following anything, within a time."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.outbound import guard

if TYPE_CHECKING:
    import httpx2

PATIENCE_S = 15.0
"""For all of it: connecting, sending, and as much of the answer as is read."""
MAX_ANSWER = 64 * 1024


class CallFailedError(OSError):
    """There was no answer, or none that HTTP knows."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    """Its first 64 KiB."""


def post(url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
    """Post to an address that somebody else named. Raises UrlNotAllowedError, CallFailedError.

    The name is resolved once, and what is connected to is what was looked at: no second answer of
    a name server leads elsewhere.
    """
    import httpx2  # 4 MiB that a process which calls nobody does without

    from core.outbound.transport import GuardedTransport

    read = guard.spelled(url)
    deadline = time.monotonic() + PATIENCE_S
    with httpx2.Client(
        transport=GuardedTransport(deadline, is_encrypted=read.scheme == "https"),
        trust_env=False,
        follow_redirects=False,
        timeout=PATIENCE_S,
    ) as client:
        return send(client, read, content=content, headers=headers, deadline=deadline)


def send(
    client: "httpx2.Client",
    url: "httpx2.URL | str",
    *,
    content: bytes,
    headers: Mapping[str, str],
    deadline: float | None = None,
) -> Answer:
    """Post with a client of one's own; read no more than MAX_ANSWER. Raises CallFailedError."""
    import httpx2

    try:
        with client.stream("POST", url, content=content, headers=dict(headers)) as response:
            body = _beginning(response, deadline or time.monotonic() + PATIENCE_S)
            return Answer(response.status_code, dict(response.headers), body)
    except httpx2.HTTPError as error:
        raise CallFailedError(f"{type(error).__name__}: {error}") from error


def _beginning(response: "httpx2.Response", deadline: float) -> bytes:
    """Return what comes within the time: the status is known, the rest is for logs."""
    import httpx2

    body = b""
    with suppress(httpx2.TimeoutException):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= MAX_ANSWER or time.monotonic() > deadline:
                break
    return body[:MAX_ANSWER]
