"""Whom a flag is asked for: text by field, with Unleash's names where it has one.

`userId`, `sessionId`, `remoteAddress`, `environment`, `appName`, `currentTime` (RFC 3339), and
whatever else the caller knows. What is not known is not there: there are no None values.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Context = Mapping[str, str]
Check = Callable[[Context], bool]

ASSIGNED = "assigned:"
"""Begins the field that holds what was assigned of a flag: `0`, or `1` and the variant's name. No
caller can say it."""
NAMED = ("userId", "sessionId", "remoteAddress", "environment", "appName", "currentTime")


def from_unleash(context: Mapping[str, Any]) -> dict[str, str]:
    """Return the context of an Unleash client: its `properties` stand beside the named fields."""
    properties = context.get("properties")
    found = _texts(properties) if isinstance(properties, Mapping) else {}
    return found | _texts({name: context.get(name) for name in NAMED})


def assigned(enabled: bool, variant: str | None) -> str:
    return f"1{variant or ''}" if enabled else "0"


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): text(value) for name, value in values.items() if value is not None}


def text(value: Any) -> str:
    """Return a value as rules compare it: `true`, `12`, `2026-01-31T09:00:00Z`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
