"""What is known of whoever a flag is asked for: a registry of the context's fields.

    fields.register("plan", lambda subject: plans.of(subject.organization))

An app registers its own in `apps.py`. A field is filled by the server alone: no client can say
what it is. A function may look at what it is given, and asks no store: it runs at each evaluation.
"""

from collections.abc import Callable, Mapping
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


Given = Mapping[str, Any]
Read = Callable[[Subject], Any]
"""Returns text, a number, a truth value or a moment; None for what is not known."""

_registry: dict[str, Read] = {}


def register(name: str, read: Read) -> None:
    """Add a field; a second one of the same name replaces the first."""
    _registry[name] = read


def names() -> list[str]:
    """Return the fields that the server fills, which no client may."""
    return sorted({*_registry, *_FIXED})


def context(subject: Subject, given: Given) -> dict[str, str]:
    """Return the context of an evaluation: what the caller says, and over it what we know."""
    user, organization, role = subject.user, subject.organization, subject.role
    return context_of(user, organization, role, given, environment=settings.FLAGS_ENVIRONMENT)


def context_of(
    user: Any, organization: Any, role: str | None, given: Given, *, environment: str
) -> dict[str, str]:
    """Like `context`; for the question that is asked most, which makes no Subject in vain."""
    known = _person(user) if user is not None and user.is_authenticated else _nobody()
    found = {**_said(given), **known} if given else {**known}
    found["environment"] = environment
    if organization is not None:
        found["organization"] = str(getattr(organization, "pk", organization))
    if role is not None:
        found["role"] = role
    if _registry:
        subject = Subject(user, organization, role)
        for name, read in _registry.items():
            _fill(found, name, read, subject)
    return found


def _said(given: Given) -> dict[str, str]:
    return {name: text(value) for name, value in given.items() if value is not None}


def _nobody() -> dict[str, str]:
    return {"appName": settings.PRODUCT_NAME}


_HELD = "_known_to_flags"


def _person(user: Any) -> dict[str, str]:
    """Return what is known of a person, kept with the row in memory: a request asks many times.

    What can change while the row is held is compared, so a new address counts at once.
    """
    email, is_staff = user.email, user.is_staff
    held = user.__dict__.get(_HELD)
    if held is not None and held[0] is email and held[1] is is_staff:
        known: dict[str, str] = held[2]
        return known
    known = {
        **_nobody(),
        "userId": str(user.pk),
        "email": email,
        "isStaff": "true" if is_staff else "false",
    }
    user.__dict__[_HELD] = (email, is_staff, known)
    return known


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
