"""What an evaluation says."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why; the names are OpenFeature's where it has one."""

    STATIC = "STATIC"
    """On for everybody."""
    TARGETING_MATCH = "TARGETING_MATCH"
    """A rule names this subject, or holds for it."""
    SPLIT = "SPLIT"
    """The subject's place in a percentage decided."""
    DEFAULT = "DEFAULT"
    """No rule holds for this subject."""
    DISABLED = "DISABLED"
    """Switched off."""
    DENIED = "DENIED"
    """The subject is on the flag's list of those who never get it."""
    PREREQUISITE_FAILED = "PREREQUISITE_FAILED"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    """A percentage goes by a field that the context lacks."""
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Payload:
    type: str
    """`string`, `number`, `json` or `csv`."""
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    enabled: bool
    reason: Reason
    variant: str | None = None
    """None: the flag has none for this subject; Unleash calls that `disabled`."""
    payload: Payload | None = None
    detail: str = ""
    """What the reason refers to, e.g. the prerequisite's name."""
