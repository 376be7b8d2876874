"""What every import comes down to, whatever system wrote the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImportedSegment:
    imported_id: int
    """As the other system calls it; strategies refer to it by this."""
    name: str
    constraints: list[Any]


@dataclass(frozen=True, slots=True)
class ImportedFlag:
    name: str
    settings: Fields
    """Of flags.services.definitions.SETTINGS; what is left out stays as it is."""
    rules: Mapping[str | None, Fields]
    """Of flags.services.rules.FIELDS by environment; None stands for every one."""


@dataclass(frozen=True, slots=True)
class Imported:
    system: str
    flags: list[ImportedFlag]
    segments: list[ImportedSegment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be carried over, or holds for nobody: told, never dropped silently."""
