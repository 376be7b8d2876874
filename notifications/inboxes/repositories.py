"""Every query on inboxes, and what decides which notifications are in one."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from core.jobs.rows import select
from core.postgres import prepared
from core.repositories import Repository

if TYPE_CHECKING:
    from notifications.models import Inbox

PLACES = """
SELECT m.organization_id FROM organizations_membership m
JOIN organizations_organization o ON o.id = m.organization_id AND o.deletion_due_at IS NULL
WHERE m.user_id = {user} AND m.state = 'active'
"""
# Nothing in it depends on the row: PostgreSQL asks once a statement, and then compares ids.
REACHED = f"""
("notifications_notification"."organization_id" IS NULL
 OR "notifications_notification"."organization_id" = ANY (ARRAY({PLACES})))
"""
# The same: two probes of indexes a statement, which find nothing almost always.
BEHIND = """
EXISTS (SELECT 1 FROM notifications_broadcast b
  WHERE b.organization_id IS NULL AND b.recipients IS NULL AND b.sequence > coalesce(
    (SELECT i.delivered FROM notifications_inbox i WHERE i.user_id = {user}), 0))
OR EXISTS (SELECT 1 FROM organizations_membership m
  JOIN notifications_broadcast b ON b.organization_id = m.organization_id
    AND b.recipients IS NULL AND b.sequence > coalesce(
      (SELECT i.delivered FROM notifications_inbox i WHERE i.user_id = {user}), 0)
  WHERE m.user_id = {user} AND m.state = 'active')
OR EXISTS (SELECT 1 FROM notifications_notification s
  WHERE s.user_id = {user} AND s.is_listed AND s.snoozed_until <= {now})
"""
ADVANCE = """
INSERT INTO notifications_inbox (user_id, version, delivered)
SELECT id, 1, 0 FROM unnest(%(ids)s::uuid[]) id ORDER BY id
ON CONFLICT (user_id) DO UPDATE SET version = notifications_inbox.version + 1
RETURNING user_id, version
"""
# Who belongs is asked once for each person and place, not for each notification; and by the index,
# which LIMIT holds the planner to: it expects as many places as notifications.
UNREAD_COUNTS = """
SELECT n.user_id, sum(n.count)::bigint AS unread FROM (
  SELECT user_id, organization_id, count(*) AS count FROM notifications_notification
  WHERE user_id = ANY(%(ids)s) AND is_listed AND read_at IS NULL AND archived_at IS NULL
    AND snoozed_until IS NULL
  GROUP BY user_id, organization_id
) n LEFT JOIN LATERAL (
  SELECT true AS belongs FROM organizations_membership m
  JOIN organizations_organization o ON o.id = m.organization_id AND o.deletion_due_at IS NULL
  WHERE m.user_id = n.user_id AND m.organization_id = n.organization_id AND m.state = 'active'
  LIMIT 1
) place ON true
WHERE n.organization_id IS NULL OR place.belongs
GROUP BY n.user_id
"""
STANDING = """
SELECT coalesce((SELECT version FROM notifications_inbox WHERE user_id = %(user)s), 0) AS version,
  ({behind}) AS is_behind,
  (SELECT count(*) FROM notifications_notification
   WHERE user_id = %(user)s AND is_listed AND read_at IS NULL AND archived_at IS NULL
     AND snoozed_until IS NULL AND {reached} {within}) AS unread
"""

# The places are asked for once; the total alone where a page is wanted, not where a cursor is.
PLAIN_PAGE = """
WITH places AS MATERIALIZED (SELECT ARRAY({places}) AS ids)
SELECT {behind}, CASE WHEN %(counted)s THEN (SELECT count(*)
    FROM notifications_notification n WHERE {mine}) END,
  n.id, n.type, n.kind, n.title, n.body, n.payload_version, n.organization_id, n.read_at,
  n.seen_at, n.archived_at, n.snoozed_until, n.group_count, n.created_at,
  CASE WHEN n.actor_ids = '{{}}' THEN '{{}}' ELSE {names} END, n.actions, n.metadata
FROM (SELECT) AS always_a_row
LEFT JOIN LATERAL (
  SELECT * FROM notifications_notification n WHERE {mine} {beyond}
  ORDER BY n.created_at DESC, n.id DESC LIMIT %(size)s OFFSET %(start)s
) n ON true
ORDER BY n.created_at DESC, n.id DESC
"""
MINE = """
n.user_id = %(user)s AND n.is_listed AND n.archived_at IS NULL AND n.snoozed_until IS NULL
AND (n.organization_id IS NULL OR n.organization_id = ANY ((SELECT ids FROM places)::uuid[]))
"""
NAMES = """
ARRAY(SELECT u.full_name FROM unnest(n.actor_ids) WITH ORDINALITY a (id, place)
  LEFT JOIN accounts_user u ON u.id = a.id ORDER BY a.place)
"""


def _plain_page(*conditions: str) -> str:
    *of_all, beyond = conditions
    return PLAIN_PAGE.format(
        places=PLACES.format(user="%(user)s"),
        behind=BEHIND.format(user="%(user)s", now="%(now)s"),
        mine=" ".join([MINE, *of_all]),
        names=NAMES,
        beyond=beyond,
    )


ONLY_UNREAD = "AND n.read_at IS NULL"
BEYOND = "AND (n.created_at, n.id) < (%(moment)s, %(id)s)"
PLAIN_PAGES = {
    (only_unread, beyond): _plain_page(ONLY_UNREAD if only_unread else "", BEYOND if beyond else "")
    for only_unread in (False, True)
    for beyond in (False, True)
}
"""By whether what was read is left out, and whether a page lies before."""


class Position(NamedTuple):
    """Of a row in the list."""

    moment: datetime
    id: UUID


class Standing(NamedTuple):
    version: int
    is_behind: bool
    unread: int


class PlainPage(NamedTuple):
    is_behind: bool
    total: int
    """0 where it was not asked for."""
    rows: list[tuple[Any, ...]]


def plain_page(
    user_id: UUID,
    *,
    only_unread: bool,
    after: Position | None,
    size: int,
    start: int,
    counted: bool,
    now: datetime,
) -> PlainPage:
    """Read a page of what is neither archived nor asleep, of one moment, in one statement."""
    values = {"user": user_id, "now": now, "size": size, "start": start, "counted": counted}
    position = after._asdict() if after else {}
    statement = PLAIN_PAGES[only_unread, after is not None]
    found = prepared.select(statement, tuple, **values, **position)
    is_behind, total, *_ = found[0]
    return PlainPage(is_behind, total or 0, [row[2:] for row in found if row[2] is not None])


class InboxRepository(Repository["Inbox"]):
    def advance(self, user_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Lock the inboxes of these people until the transaction ends, and raise their versions.

        Missing ones are made. In the order of their ids, so that two who lock several take turns.
        """
        ids = sorted(set(user_ids))
        rows = select(ADVANCE, ids=ids) if ids else []
        return {row["user_id"]: row["version"] for row in rows}

    def unread_counts(self, user_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Return how many unread notifications each of these people has, none included."""
        ids = list(user_ids)
        found = {row["user_id"]: row["unread"] for row in select(UNREAD_COUNTS, ids=ids)}
        return {user_id: found.get(user_id, 0) for user_id in ids}

    def standing(self, user_id: UUID, *, organization_id: UUID | None, now: datetime) -> Standing:
        """Tell how an inbox, or one organization's part of it, stands at this moment."""
        statement = STANDING.format(
            behind=BEHIND.format(user="%(user)s", now="%(now)s"),
            reached=REACHED.format(user="%(user)s"),
            within="AND organization_id = %(organization)s" if organization_id else "",
        )
        values = {"organization": organization_id} if organization_id else {}
        return prepared.select(statement, Standing._make, user=user_id, now=now, **values)[0]

    def is_behind(self, user_id: UUID, *, now: datetime) -> bool:
        return self.standing(user_id, organization_id=None, now=now).is_behind

    def delivered_to(self, user_id: UUID) -> int:
        found = self.filter(pk=user_id).values_list("delivered", flat=True).first()
        return found or 0

    def note_delivered(self, user_id: UUID, sequence: int) -> None:
        self.filter(pk=user_id, delivered__lt=sequence).update(delivered=sequence)
