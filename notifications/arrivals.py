from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one person has now: the row is new, or came to the front again."""

    user_id: UUID
    notification_id: UUID
    version: int
    """Of their inbox; a count of a lower version is out of date."""
    unread_count: int
    channels: frozenset[str]
    """Where they want it."""
