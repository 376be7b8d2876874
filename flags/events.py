from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RulesetChanged:
    """Answers may differ from now on: in these environments."""

    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlagCreated:
    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagChanged:
    flag_id: UUID
    name: str
    environment: str | None
    """None: what changed concerns every environment."""
    fields: tuple[str, ...]
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKilled:
    flag_id: UUID
    name: str
    environment: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagUnkilled:
    flag_id: UUID
    name: str
    environment: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagArchived:
    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagRestored:
    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagDeleted:
    flag_id: UUID
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentCreated:
    segment_id: int
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentChanged:
    segment_id: int
    name: str
    fields: tuple[str, ...]
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class SegmentDeleted:
    segment_id: int
    name: str
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagOverridden:
    organization_id: UUID
    flag_id: UUID
    name: str
    enabled: tuple[bool | None, bool | None]
    """Before and after; None: as everybody."""
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKeyCreated:
    key_id: UUID
    name: str
    environment: str
    organization_id: UUID | None
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class FlagKeyRevoked:
    key_id: UUID
    name: str
    actor_id: UUID | None
