"""System checks: a setting that makes no sense is told at start-up, not by the request it hits."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from core.ratelimits import parse


def check_rate_limits(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Every value of RATE_LIMITS reads as a limit. Registered by CoreConfig.ready()."""
    problems: list[CheckMessage] = []
    for scope, value in settings.RATE_LIMITS.items():
        try:
            parse(value)
        except ValueError as error:
            problems.append(Error(f"RATE_LIMITS: {scope}: {error}", id="core.E001"))
    return problems
