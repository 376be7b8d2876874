"""Whether an address may be called, by its spelling and by where its name leads."""

from typing import TYPE_CHECKING

from django.conf import settings

from core.errors import UnprocessableError
from core.outbound import addresses, resolving
from core.outbound.addresses import Address

if TYPE_CHECKING:
    import httpx2

MAX_URL = 2048
HTTPS = 443


class UrlNotAllowedError(UnprocessableError):
    code = "url_not_allowed"
    detail = "This address is not public, or can't be called. Nothing was saved."


def check(url: str) -> None:
    """Raises UrlNotAllowedError. A name that nobody knows now is let through: whoever calls it
    finds out, and is guarded again.
    """
    read = spelled(url)
    try:
        found = resolving.resolve(read.host)
    except OSError:
        if read.scheme != "https":
            raise UrlNotAllowedError from None
        return
    chosen(found, is_encrypted=read.scheme == "https")


def spelled(url: str) -> "httpx2.URL":
    """Return it as it is going to be called. Raises UrlNotAllowedError."""
    import httpx2  # a process that calls nobody does without

    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or set(url) & set(" \\"):
        raise UrlNotAllowedError
    try:
        read = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise UrlNotAllowedError from None
    port = read.port or HTTPS
    if read.scheme not in {"https", "http"} or read.userinfo or read.fragment:
        raise UrlNotAllowedError
    if not read.host or "%" in read.host:
        raise UrlNotAllowedError
    if port != HTTPS and port not in settings.OUTBOUND_PORTS:
        raise UrlNotAllowedError
    return read


def chosen(found: list[Address], *, is_encrypted: bool) -> Address:
    """Return the one to connect to. Raises UrlNotAllowedError where one of them is not allowed.

    Unencrypted, it may be called within the operator's own networks alone.
    """
    allowed = settings.OUTBOUND_ALLOW
    if not found or not all(addresses.is_allowed(each, allowed) for each in found):
        raise UrlNotAllowedError
    if not is_encrypted and not all(any(one in network for network in allowed) for one in found):
        raise UrlNotAllowedError
    return found[0]
