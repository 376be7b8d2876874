"""What happens to notifications, as facts that others may react to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notifications.arrivals import Arrival


@dataclass(frozen=True, slots=True)
class NotificationsArrived:
    """People have something new to read. Push it to whoever wants that."""

    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class InboxChanged:
    """What somebody's list or count says is different, by nothing that is new."""

    user_id: UUID
    version: int
    unread_count: int
    change: str
    """read, unread, seen, archived, unarchived, snoozed, deleted or updated; reset: load anew."""
    notification_ids: tuple[UUID, ...]
    """Which; empty where they are too many to name, and for a reset."""
    at: datetime


@dataclass(frozen=True, slots=True)
class BroadcastSent:
    """A message to many is on its way."""

    broadcast_id: UUID
    organization_id: UUID | None
    actor_id: UUID | None
    kind: str
    recipient_count: int | None
    """None: everybody who belongs."""


@dataclass(frozen=True, slots=True)
class BroadcastEdited:
    """It reads differently for whoever has not read it yet."""

    broadcast_id: UUID
    organization_id: UUID | None
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class BroadcastRecalled:
    """Whoever has not read it does not get to see it."""

    broadcast_id: UUID
    organization_id: UUID | None
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class ChannelDefaultsChanged:
    """An organization decided what its members are told where, unless they say otherwise."""

    organization_id: UUID
    actor_id: UUID | None
