"""Who is calling: the address that rate limits and logs go by."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's IP address.

    `X-Forwarded-For` is believed for as many hops from the right as there are proxies of ours in
    front (TRUSTED_PROXIES): what stands further left was written by the caller.
    """
    peer = str(request.META.get("REMOTE_ADDR", "")) or "0.0.0.0"  # noqa: S104  a placeholder
    if not settings.TRUSTED_PROXIES:
        return peer
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if len(hops) < settings.TRUSTED_PROXIES:
        return peer
    return _normal(hops[-settings.TRUSTED_PROXIES]) or peer


def _normal(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
