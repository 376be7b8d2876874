"""What changes or counts a person's notifications, however many they have."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.jobs.rows import execute
from notifications.messages import Message
from notifications.models import Inbox, Notification
from notifications.services import broadcasting, reading
from organizations.models import Organization
from tests.bounds import plan_of, rows_read
from tests.client import ApiClient
from tests.notifications.told import COUNT, PATH, tell, titles, unread

pytestmark = pytest.mark.django_db

MANY = 3_000
FILL = """
INSERT INTO notifications_notification (id, user_id, organization_id, kind, type, title, body,
    actions, metadata, payload_version, actor_ids, dedupe_key, group_key, group_count,
    is_group_open, is_listed, mail, created_at)
SELECT gen_random_uuid(), %(user)s, %(organization)s, 'build.finished', 'info', 'Built', '', '[]',
    '{}', 1, '{}', '', '', 1, false, true, 'none', now() - n * interval '1 second'
FROM generate_series(1, %(rows)s) n
"""


@pytest.fixture
def _many(user: User, acme: Organization) -> None:
    execute(FILL, user=user.pk, organization=acme.pk, rows=MANY)
    execute("ANALYZE notifications_notification")


def index_names(node: dict[str, object]) -> set[str]:
    """Return the indexes of which a plan reads nothing but themselves."""
    here = {str(node["Index Name"])} if node["Node Type"] == "Index Only Scan" else set()
    below: list[dict[str, object]] = node.get("Plans", [])  # type: ignore[assignment]  # JSON
    return here.union(*map(index_names, below))


@pytest.mark.usefixtures("_many")
def test_who_belongs_is_not_asked_for_each_notification(user: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        counts = Inbox.objects.unread_counts([user.pk])

    assert counts == {user.pk: MANY}
    (query,) = captured
    assert rows_read(plan_of(query["sql"])) < MANY + 100


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize(
    ("path", "index"),
    [
        (COUNT, "notification_not_read"),
        (PATH, "notification_in_inbox"),
        (f"{PATH}?is_read=false", "notification_not_read"),
    ],
)
def test_counting_reads_the_index_alone(api: ApiClient, path: str, index: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        api.read(path)
    # In a transaction no page is known to be seen by all, which the planner would avoid.
    execute("SET LOCAL enable_seqscan = off")
    execute("SET LOCAL enable_bitmapscan = off")

    (query,) = captured

    assert index in index_names(plan_of(query["sql"]))


def test_all_are_read_in_parts(
    api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 7
    monkeypatch.setattr(reading, "PART", 3)
    now = timezone.now()
    for number in range(7):  # two of each moment: parts end between those, too
        tell(user, f"n{number}", kind=f"k{number}", at=now - timedelta(hours=number // 2))

    with CaptureQueriesContext(connection) as captured:
        answer = api.send("POST", f"{PATH}/read-all", {})

    assert answer.json() == {"updated": 7}
    assert unread(api) == 0
    updates = [q for q in captured if q["sql"].startswith("UPDATE")]
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


STATEMENTS = 21
"""Of a first look, however much was missed."""
