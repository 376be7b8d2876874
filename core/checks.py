"""System checks: a setting that makes no sense is told at start-up, not by the request it hits."""

from collections.abc import Sequence
from typing import Any

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
