"""The list as most people ask for it: everything or what is unread, the newest first."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson

from core.keyset import SortKey
from notifications.inboxes.repositories import PlainPage, Position, plain_page
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


class PlainInbox:
    """Stands where a repository would, for a third of its price: one prepared statement reads the
    page, its total and whether broadcasts wait to be delivered.

    It serves what a list without other filters asks of it; to read backward it hands over to the
    repository that filtered lists use.
    """

    model = Notification

    def __init__(
        self, user_id: UUID, general: Callable[[], Any], *, only_unread: bool, now: datetime
    ) -> None:
        self._user_id, self._general, self._now = user_id, general, now
        self._only_unread = only_unread
        self._after: Position | None = None
        self.is_behind: bool | None = None
        """Whether the page lacks something; None until one was read here."""

    def page(self, start: int, size: int) -> tuple[list[Shown], int]:
        found = self._read(size, start=start, counted=True)
        return self._shown(found), found.total

    def sorted_by(self, keys: Sequence[SortKey], *, reading_backward: bool = False) -> Any:
        if reading_backward:
            return self._general().sorted_by(keys, reading_backward=True)
        return self

    def beyond(
        self, keys: Sequence[SortKey], values: Sequence[Any], *, reading_backward: bool = False
    ) -> Self:
        self._after = Position(*values)
        return self

    def __getitem__(self, window: slice) -> list[Shown]:
        return self._shown(self._read(window.stop, counted=False))

    def _read(self, size: int, *, start: int = 0, counted: bool) -> PlainPage:
        found = plain_page(
            self._user_id,
            only_unread=self._only_unread,
            after=self._after,
            size=size,
            start=start,
            counted=counted,
            now=self._now,
        )
        self.is_behind = found.is_behind
        return found

    def _shown(self, found: PlainPage) -> list[Shown]:
        return [
            Shown._make([*columns, orjson.loads(actions), orjson.loads(metadata)])
            for *columns, actions, metadata in found.rows
        ]
