"""What changes or counts a person's notifications, however many they have."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.jobs.rows import execute, select
from notifications.inboxes.repositories import PLAIN_PAGES, REACHED, STANDING, UNREAD_COUNTS
from notifications.messages import Message
from notifications.models import Inbox, Notification
from notifications.services import broadcasting, reading
from organizations.models import Organization
from tests.client import ApiClient
from tests.notifications.told import PATH, tell, titles, unread

pytestmark = pytest.mark.django_db

MANY = 3_000
"""Unread ones; as many are read, and as many in the archive."""
FILL = """
INSERT INTO notifications_notification (id, user_id, organization_id, kind, type, title, body,
    actions, metadata, payload_version, actor_ids, dedupe_key, group_key, group_count,
    is_group_open, is_listed, mail, created_at, read_at, seen_at, archived_at)
SELECT gen_random_uuid(), %(user)s, %(organization)s, 'build.finished', 'info', 'Built', '', '[]',
    '{}', 1, '{}', '', '', 1, false, true, 'none', now() - n * interval '1 second',
    CASE WHEN n %% 3 > 0 THEN now() END, CASE WHEN n %% 3 > 0 THEN now() END,
    CASE WHEN n %% 3 = 2 THEN now() END
FROM generate_series(1, %(rows)s) n
"""


@pytest.fixture
def _many(user: User, acme: Organization) -> None:
    execute(FILL, user=user.pk, organization=acme.pk, rows=3 * MANY)
    execute("ANALYZE notifications_notification")


def index_names(node: dict[str, Any]) -> set[str]:
    """Return the indexes of which a plan reads nothing but themselves."""
    here = {node["Index Name"]} if node["Node Type"] == "Index Only Scan" else set()
    return here.union(*map(index_names, node.get("Plans", [])))


def rows_joined(node: dict[str, Any]) -> int:
    """Return how many rows a plan joined to others, at the most."""
    joins = "Join" in node["Node Type"] or node["Node Type"] == "Nested Loop"
    here = node["Actual Rows"] if joins else 0
    return max([int(here), *map(rows_joined, node.get("Plans", []))])


def plan_of(statement: str, **values: object) -> dict[str, Any]:
    (row,) = select(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", **values)
    found: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return found


@pytest.mark.usefixtures("_many")
def test_who_belongs_is_not_asked_for_each_notification(user: User) -> None:
    counts = Inbox.objects.unread_counts([user.pk])

    assert counts == {user.pk: MANY}
    assert rows_joined(plan_of(UNREAD_COUNTS, ids=[user.pk])) == 1


PAGE = {"size": 20, "start": 0, "counted": True}
COUNT = STANDING.format(behind="false", reached=REACHED.format(user="%(user)s"), within="")


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (COUNT, {}, "notification_not_read"),
        (PLAIN_PAGES[False, False], PAGE, "notification_in_inbox"),
        (PLAIN_PAGES[True, False], PAGE, "notification_not_read"),
    ],
)
def test_counting_reads_the_index_alone(
    user: User, statement: str, values: dict[str, object], index: str
) -> None:
    # In a transaction no page is known to be seen by all, so the planner would take other ways.
    execute("SET LOCAL enable_seqscan = off")
    execute("SET LOCAL enable_bitmapscan = off")

    plan = plan_of(statement, user=user.pk, now=timezone.now(), **values)

    assert index in index_names(plan)


def test_all_are_read_in_parts(
    api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 7
    monkeypatch.setattr(reading, "PART", 3)
    now = timezone.now()
    for number in range(7):  # two of each moment: parts end between those, too
        tell(user, f"n{number}", kind=f"k{number}", at=now - timedelta(hours=number // 2))

    with CaptureQueriesContext(connection) as captured:
        answer = api.send("POST", f"{PATH}/read-all", {})
    updates = [q for q in captured if q["sql"].startswith('UPDATE "notifications_not')]

    assert answer.json() == {"updated": 7}
    assert unread(api) == 0
    assert len(updates) == 3
    assert api.send("POST", f"{PATH}/read-all", {}).json() == {"updated": 0}


def test_all_that_a_filter_keeps_are_read_in_parts(
    api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PART", 2)
    for number in range(5):
        tell(user, f"lamp {number}", kind=f"k{number}")
        tell(user, f"chair {number}", kind=f"c{number}")

    answer = api.send("POST", f"{PATH}/read-all", {"search": "lamp"})

    assert answer.json() == {"updated": 5}
    assert sorted(titles(api, "?is_read=false")) == [f"chair {number}" for number in range(5)]


@pytest.mark.parametrize("missed", [2, 12])
def test_who_missed_broadcasts_is_told_of_all_by_as_many_statements(
    api: ApiClient, user: User, acme: Organization, missed: int
) -> None:
    now = timezone.now()
    for number in range(missed):
        message = Message("message", title=f"b{number}", organization_id=acme.pk)
        broadcasting.broadcast(message, now=now + timedelta(seconds=number))

    with CaptureQueriesContext(connection) as captured:
        assert unread(api) == missed

    assert Notification.objects.of(user.pk).count() == missed
    assert len(captured) <= STATEMENTS


STATEMENTS = 28
"""Of a first look, however much was missed."""
