"""System checks: a setting that makes no sense is told at start-up, not by the request it hits."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from core import ratelimits


def check_rate_limits(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """RATE_LIMITS names scopes that exist, with limits. Registered by CoreConfig.ready()."""
    problems: list[CheckMessage] = []
    for scope, value in settings.RATE_LIMITS.items():
        try:
            ratelimits.parse(value)
        except ValueError as error:
            problems.append(Error(f"RATE_LIMITS: {scope}: {error}", id="core.E001"))
    unknown = sorted(set(settings.RATE_LIMITS) - ratelimits.SCOPES.keys())
    if unknown:
        known = ", ".join(sorted(ratelimits.SCOPES))
        line = f"RATE_LIMITS: {', '.join(unknown)} is not a scope. Known: {known}."
        problems.append(Error(line, id="core.E002"))
    return problems


def check_public_url(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Links in mails lead to this site from elsewhere, and unread. Of `check --deploy` alone."""
    url = urlsplit(settings.PUBLIC_URL)
    problems: list[CheckMessage] = []
    if url.scheme != "https":
        line = f"PUBLIC_URL: {settings.PUBLIC_URL} is not encrypted, and links in mails begin so."
        problems.append(Error(line, id="core.E003"))
    if _is_this_machine(url.hostname or ""):
        line = f"PUBLIC_URL: {settings.PUBLIC_URL} leads whoever follows a link to themselves."
        problems.append(Error(line, id="core.E004"))
    return problems


def _is_this_machine(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
