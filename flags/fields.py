"""What is known of whoever a flag is asked for: a registry of the context's fields.

    fields.register("plan", lambda subject: plans.of(subject.organization))

An app registers its own in `apps.py`. A field is filled by the server alone: no client can say
what it is. A function may look at what it is given, and asks no store: it runs at each evaluation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from flags import complaints
from flags.engine.context import text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a flag is asked for, as far as the caller knows."""

    user: Any = None
    """A User; None or AnonymousUser for nobody."""
    organization: Any = None
    """An Organization, or its id."""
    role: str | None = None
    """What the API calls the user's role there."""


Read = Callable[[Subject], Any]
"""Returns text, a number, a truth value or a moment; None for what is not known."""

_registry: dict[str, Read] = {}
_installation: dict[str, str] = {}


def register(name: str, read: Read) -> None:
    """Add a field; a second one of the same name replaces the first."""
    _registry[name] = read


def names() -> list[str]:
    """Return the fields that the server fills, which no client may."""
    return sorted({*_registry, *_FIXED})


def context(subject: Subject, given: dict[str, Any]) -> dict[str, str]:
    """Return the context of an evaluation: what the caller says, and over it what we know."""
    found = {name: text(value) for name, value in given.items() if value is not None}
    found["environment"] = settings.FLAGS_ENVIRONMENT
    found["appName"] = settings.PRODUCT_NAME
    user = subject.user
    if user is not None and user.is_authenticated:
        found["userId"] = str(user.pk)
        found["email"] = user.email
        found["isStaff"] = "true" if user.is_staff else "false"
    if subject.organization is not None:
        found["organization"] = str(getattr(subject.organization, "pk", subject.organization))
    if subject.role is not None:
        found["role"] = subject.role
    for name, read in _registry.items():
        _fill(found, name, read, subject)
    return found


_FIXED = ("environment", "appName", "userId", "email", "isStaff", "organization", "role")


def _fill(found: dict[str, str], name: str, read: Read, subject: Subject) -> None:
    try:
        value = read(subject)
    except Exception:
        # One broken field must not cost the flags that do not look at it.
        if complaints.is_due(f"field {name}"):
            log.exception("flags.field_failed", field=name)
        return
    if value is None:
        found.pop(name, None)
    else:
        found[name] = text(value)
