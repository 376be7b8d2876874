"""The ways to devices: Web Push always, others as PUSH_URLS names them."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from core.errors import ConfigurationError
from notifications.push.pushes import Transport
from notifications.push.transports.web import WebPush

_added: dict[str, Transport] = {}


def register(transport: Transport) -> None:
    """Add a way of a project's own; it takes the place of another one of its kind."""
    _added[transport.kind] = transport


def find(kind: str) -> Transport | None:
    """Return the way to devices of this kind; None where none is set up."""
    return ways().get(kind)


def ways() -> dict[str, Transport]:
    """Return all by kind. Raises ConfigurationError for what PUSH_URLS can't mean."""
    return {**_set_up(tuple(settings.PUSH_URLS)), **_added}


@cache
def _set_up(urls: tuple[str, ...]) -> dict[str, Transport]:
    made: list[Transport] = [WebPush(), *(_made(url) for url in urls)]
    return {transport.kind: transport for transport in made}


def _made(url: str) -> Transport:
    scheme = url.partition("://")[0]
    makers = _makers()
    if scheme not in makers:
        raise ConfigurationError(f"PUSH_URLS: begin with one of {', '.join(makers)}, then ://.")
    try:
        return makers[scheme](url)
    except (ValueError, KeyError, OSError) as error:
        line = f"PUSH_URLS: the entry of {scheme} does not work: {type(error).__name__}: {error}"
        raise ConfigurationError(line) from None


def _makers() -> dict[str, Callable[[str], Transport]]:
    from notifications.push.transports import apns, fcm, sms  # their HTTP client: 4 MiB

    return {"fcm": fcm.from_url, "apns": apns.from_url, "twilio": sms.from_url}
