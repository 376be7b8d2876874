"""How a call is carried: to an address that was checked, and no longer than until its deadline."""

import time
from collections.abc import Iterable
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore2
import httpx2

from core.outbound import client, guard, resolving


class GuardedTransport(httpx2.HTTPTransport):
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
        raise httpcore2.ReadTimeout(f"no answer within {client.PATIENCE_S:g} s")
    return left


@cache
def _tls() -> SSLContext:
    return httpx2.create_ssl_context()  # reading the certificates takes a while
