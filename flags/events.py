from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RulesetChanged:
    """Answers may differ from now on: in these environments."""

    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlagCreated:
    """A flag was made; it is off in every environment."""

    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagChanged:
    """What a flag answers, or what is known of it, was changed."""

    flag_id: UUID
    name: str
    environment: str | None
    """None: what changed concerns every environment."""
    fields: tuple[str, ...]
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKilled:
    """A flag was switched off at once in an environment."""

    flag_id: UUID
    name: str
    environment: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagUnkilled:
    """A kill was ended; the flag answers as before."""

    flag_id: UUID
    name: str
    environment: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagArchived:
    """A flag was taken away; code that asks gets its default."""

    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagRestored:
    """An archived flag is back."""

    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagDeleted:
    """A flag was deleted for good; its history stays."""

    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentCreated:
    """A segment was made."""

    segment_id: int
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentChanged:
    """A segment was changed, and with it every flag that uses it."""

    segment_id: int
    name: str
    fields: tuple[str, ...]
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentDeleted:
    """A segment was deleted; no flag used it."""

    segment_id: int
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagOverridden:
    """An organization decided about a flag for itself, or took that back."""

    organization_id: UUID
    flag_id: UUID
    name: str
    enabled: tuple[bool | None, bool | None]
    """Before and after; None: as everybody."""
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKeyCreated:
    """A key for SDKs was made."""

    key_id: UUID
    name: str
    environment: str
    organization_id: UUID | None
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKeyRevoked:
    """A key for SDKs was ended."""

    key_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class ExperimentStarted:
    """From now on it is noted who sees what of a flag."""

    experiment_id: UUID
    name: str
    """Of the flag."""
    environment: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class ExperimentStopped:
    """An experiment is over; what it found stays."""

    experiment_id: UUID
    name: str
    """Of the flag."""
    environment: str
    actor_id: UUID | None
