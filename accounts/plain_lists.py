"""The list of one's sessions, by hand (core/plain_lists.py)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.models import UserSession
from core.plain_lists import PlainList


class ShownSession(NamedTuple):
    """One row, as SessionSerializer reads it."""

    id: UUID
    device: str
    ip_address: str
    created_at: datetime
    last_seen_at: datetime


SESSIONS = PlainList(
    UserSession,
    ShownSession,
    where="t.user_id = %(user)s AND t.ended_at IS NULL AND t.expires_at > %(now)s",
    moment="created_at",
)
