"""What a person may read of a job's arguments and errors."""

from collections.abc import Mapping
from typing import Any

from core.redaction import redact, redact_text

READ = 20_000
KEPT = 2_000
"""Characters of an error's message. More is for the log, whose lines have a limit of their own."""


def text(message: str) -> str:
    """Return the message without secrets, excess length, or what PostgreSQL can't store."""
    storable = message[:READ].replace("\0", "?").encode("utf-8", "replace").decode("utf-8")
    return redact_text(storable)[:KEPT]


def arguments(stored: Mapping[str, Any]) -> dict[str, object]:
    """Return a job's arguments, those whose names smell of secrets hidden and long ones cut."""
    return {
        name: _short(redact(value, name=name))
        for name, value in stored.items()
        if not name.startswith("_")
    }


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > 200:
        return f"{value[:200]}…"
    if isinstance(value, list) and len(value) > 10:
        return [*value[:10], f"… {len(value)} in all"]
    return value
