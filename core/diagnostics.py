"""What `manage.py doctor` looks at. Each app registers checks of its own from apps.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog

log = structlog.get_logger(__name__)

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `advice` says what to do about it, in words that can be acted on."""

    status: Status
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    name: str
    status: Status
    detail: str
    advice: str


Check = Callable[[], Finding]

_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Add a check, or put another in the place of one of the same name, also of one of ours."""
    _checks[name] = check


def ok(detail: str) -> Finding:
    return Finding("ok", detail)


def warn(detail: str, *, advice: str) -> Finding:
    return Finding("warn", detail, advice)


def fail(detail: str, *, advice: str) -> Finding:
    return Finding("fail", detail, advice)


def examine(checks: Mapping[str, Check]) -> list[Diagnosis]:
    """Run these checks and then the registered ones; one that breaks is itself a finding."""
    return [_diagnose(name, check) for name, check in {**checks, **_checks}.items()]


def _diagnose(name: str, check: Check) -> Diagnosis:
    try:
        found = check()
    except Exception as error:
        log.exception("doctor.check_failed", check=name)
        found = fail(f"The check itself failed: {type(error).__name__}.", advice="See the log.")
    return Diagnosis(name, found.status, found.detail, found.advice)
