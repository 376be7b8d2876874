"""The call itself: to an address that was checked, without following anything, within a time."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore2
import httpx2

from core.outbound import guard, resolving

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
    read = guard.spelled(url)
    deadline = time.monotonic() + PATIENCE_S
    with httpx2.Client(
        transport=_GuardedTransport(deadline, is_encrypted=read.scheme == "https"),
        trust_env=False,
        follow_redirects=False,
        timeout=PATIENCE_S,
    ) as client:
        return send(client, read, content=content, headers=headers, deadline=deadline)


def send(
    client: httpx2.Client,
    url: httpx2.URL | str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    deadline: float | None = None,
) -> Answer:
    """Post with a client of one's own; read no more than MAX_ANSWER. Raises CallFailedError."""
    try:
        with client.stream("POST", url, content=content, headers=dict(headers)) as response:
            body = _beginning(response, deadline or time.monotonic() + PATIENCE_S)
            return Answer(response.status_code, dict(response.headers), body)
    except httpx2.HTTPError as error:
        raise CallFailedError(f"{type(error).__name__}: {error}") from error


def _beginning(response: httpx2.Response, deadline: float) -> bytes:
    """Return what comes within the time: the status is known, the rest is for logs."""
    body = b""
    with suppress(httpx2.TimeoutException):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= MAX_ANSWER or time.monotonic() > deadline:
                break
    return body[:MAX_ANSWER]


class _GuardedTransport(httpx2.HTTPTransport):
    def __init__(self, deadline: float, *, is_encrypted: bool) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(),
            max_keepalive_connections=0,
            network_backend=_Network(deadline, is_encrypted=is_encrypted),
        )


class _Network(httpcore2.NetworkBackend):
    """Resolves by itself, and connects to that address; the certificate is asked of the name."""

    def __init__(self, deadline: float, *, is_encrypted: bool) -> None:
        self._deadline, self._is_encrypted = deadline, is_encrypted
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = resolving.resolve(host)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        address = guard.chosen(found, is_encrypted=self._is_encrypted)
        left = _left(self._deadline)
        stream = self._plain.connect_tcp(str(address), port, left, None, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore2.NetworkStream):
    """Ends at its deadline, also where the other side sends a byte now and then."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout(f"no answer within {PATIENCE_S:g} s")
    return left


@cache
def _tls() -> SSLContext:
    return httpx2.create_ssl_context()  # reading the certificates takes a while
