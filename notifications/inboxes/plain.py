"""The list as most people ask for it: everything or what is unread, the newest first."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from core.keyset import SortKey
from core.plain_lists import PlainRows
from notifications.inboxes.repositories import Position, plain_page
from notifications.models import Notification

NEWEST_FIRST = [SortKey("created_at", True, False), SortKey("id", True, False)]


class Shown(NamedTuple):
    """One row, as NotificationSerializer reads it; in the order of PLAIN_PAGE's columns."""

    id: UUID
    type: str
    kind: str
    title: str
    body: str
    payload_version: int
    organization_id: UUID | None
    read_at: datetime | None
    seen_at: datetime | None
    archived_at: datetime | None
    snoozed_until: datetime | None
    group_count: int
    created_at: datetime
    actor_names: list[str | None]
    actions: list[dict[str, str]]
    metadata: dict[str, Any]


class PlainInbox(PlainRows):
    """Stands where a repository would, for a third of its price: one prepared statement reads the
    page, its total and whether broadcasts wait to be delivered.
    """

    def __init__(
        self, user_id: UUID, general: Callable[[], Any], *, only_unread: bool, now: datetime
    ) -> None:
        super().__init__(Notification, NEWEST_FIRST, read=self._read_page, general=general)
        self._user_id, self._only_unread, self._now = user_id, only_unread, now
        self.is_behind: bool | None = None
        """Whether the page lacks something; None until one was read here."""

    def _read_page(self, after: Sequence[Any] | None, **page: Any) -> tuple[list[Shown], int]:
        found = plain_page(
            self._user_id,
            only_unread=self._only_unread,
            after=Position(*after) if after else None,
            now=self._now,
            **page,
        )
        self.is_behind = found.is_behind
        rows = [
            Shown._make([*columns, orjson.loads(actions), orjson.loads(metadata)])
            for *columns, actions, metadata in found.rows
        ]
        return rows, found.total
