"""Who is at the other end of a connection."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user, by one session, until the access token expires."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime
