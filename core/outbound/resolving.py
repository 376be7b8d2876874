"""Names to addresses, within a time: the system's own resolver has none."""

import socket
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import cache

from core.outbound import addresses
from core.outbound.addresses import Address

PATIENCE_S = 3.0
THREADS = 8
"""More names than this that hang at once make the others wait, and then fail."""


def resolve(host: str) -> list[Address]:
    """Return the addresses of a name, or the one that it spells. Raises OSError."""
    waiting: Future[list[Address]] = _threads().submit(_ask, host)
    try:
        return waiting.result(PATIENCE_S)
    except Late:
        waiting.cancel()
        raise OSError(f"{host} was not resolved within {PATIENCE_S:g} s") from None


def _ask(host: str) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long, or empty
        raise OSError(str(error)) from None
    return list(dict.fromkeys(addresses.parsed(str(each[4][0])) for each in found))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "resolver")
