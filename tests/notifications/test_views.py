"""What a person sees of their notifications, and does with them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import travel

from accounts.models import User
from core.api.serializers import rfc3339
from notifications.models import Inbox, Notification
from organizations.models import Organization
from organizations.services import members
from realtime.models import StreamMessage
from tests.client import ApiClient, problem
from tests.notifications.told import COUNT, PATH, patch, tell, tell_all, titles, unread
from tests.tenants import join, signed_in

FIELDS = {
    "id", "type", "kind", "title", "body", "actions", "metadata", "organization", "is_read",
    "read_at", "seen_at", "is_archived", "snoozed_until", "group_count", "created_at",
}  # fmt: skip


def test_the_list_tells_the_newest_first(api: ApiClient, user: User, acme: Organization) -> None:
    older = timezone.now() - timedelta(hours=1)
    tell(user, "Older", at=older)
    actions = [{"label": "See", "url": "/builds/7"}]
    tell(
        user, "Newer", body="It took 4 minutes.", type="success", actions=actions,
        metadata={"build": 7}, organization_id=acme.pk,
    )  # fmt: skip

    found = api.read(PATH)["items"]

    assert [item["title"] for item in found][:2] == ["Newer", "Older"]
    newest = found[0]
    assert newest.keys() == FIELDS
    assert newest["type"] == "success"
    assert newest["body"] == "It took 4 minutes."
    assert newest["actions"] == actions
    assert newest["metadata"] == {"build": 7}
    assert newest["organization"] == str(acme.pk)
    assert (newest["is_read"], newest["read_at"], newest["seen_at"]) == (False, None, None)
    assert (newest["is_archived"], newest["group_count"]) == (False, 1)
    assert api.read(f"{PATH}/{newest['id']}") == newest


def test_looking_marks_nothing_as_read(api: ApiClient, user: User) -> None:  # NTF 30
    row = tell(user)

    for path in (PATH, f"{PATH}?cursor=", f"{PATH}/{row.pk}", COUNT):
        api.read(path)
        api.send("HEAD", path)

    row.refresh_from_db()
    assert (row.read_at, row.seen_at) == (None, None)


def test_somebody_elses_is_not_there(api: ApiClient, user: User, stranger: User) -> None:
    theirs = tell(stranger)

    def told(method: str, pk: object, body: Any = None) -> Any:
        return problem(api.send(method, f"{PATH}/{pk}", body, X_Request_ID="same"))

    for method, body in (("GET", None), ("PATCH", {"is_read": True}), ("DELETE", None)):
        assert told(method, theirs.pk, body) == told(method, uuid4(), body)
    assert titles(api) == []
    assert unread(api) == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?type=error", ["b"]),
        ("?kind=build.failed", ["b"]),
        ("?is_read=true", ["a"]),
        ("?is_read=false", ["c", "b"]),
        ("?is_archived=true", ["d"]),
        ("?is_archived=false", ["c", "b", "a"]),
        ("", ["c", "b", "a"]),
        ("?search=LAMP", ["c"]),
        ("?search=lamp%20brass", ["c"]),
        ("?search=lamp%20glass", []),
        ("?page_size=1", ["c"]),
    ],
)
def test_filters(api: ApiClient, user: User, query: str, expected: list[str]) -> None:
    now = timezone.now()
    patch(api, tell(user, "a", at=now - timedelta(hours=4)), is_read=True)
    tell(user, "b", kind="build.failed", type="error", at=now - timedelta(hours=3))
    tell(user, "c", body="A brass lamp", at=now - timedelta(hours=2))
    patch(api, tell(user, "d", at=now - timedelta(hours=1)), is_archived=True)

    assert titles(api, query) == expected


def test_filters_by_organization_and_time(api: ApiClient, user: User, acme: Organization) -> None:
    now = timezone.now()
    Notification.objects.all().delete()
    tell(user, "old", at=now - timedelta(days=2), organization_id=acme.pk)
    tell(user, "new", at=now - timedelta(days=1))

    middle = (rfc3339(now - timedelta(days=1, hours=12)) or "").replace(":", "%3A")
    assert titles(api, f"?organization={acme.pk}") == ["old"]
    assert titles(api, f"?organization={uuid4()}") == []
    assert titles(api, f"?created_at__gte={middle}") == ["new"]
    assert titles(api, f"?created_at__lt={middle}") == ["old"]
    assert unread(api, f"?organization={acme.pk}") == 1
    assert unread(api) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?typ=info", "unknown_parameter"),
        ("?type=nothing", "validation_error"),
        ("?is_read=perhaps", "validation_error"),
        ("?organization=acme", "validation_error"),
        ("?created_at__gte=yesterday", "validation_error"),
        ("?user=1", "unknown_parameter"),
    ],
)
def test_what_no_filter_takes(api: ApiClient, query: str, code: str) -> None:
    assert problem(api.send("GET", f"{PATH}{query}"))["code"] == code


def test_reading_twice_keeps_the_first_time(api: ApiClient, user: User) -> None:  # NTF 5
    row = tell(user)

    first = patch(api, row, is_read=True)
    again = patch(api, row, is_read=True)

    assert first["read_at"] == again["read_at"]
    assert first["seen_at"] == first["read_at"]
    assert first["is_read"] is True


def test_unread_and_read_again_is_another_time(api: ApiClient, user: User) -> None:  # NTF 5
    row = tell(user)
    first = patch(api, row, is_read=True)

    unread_again = patch(api, row, is_read=False)
    second = patch(api, row, is_read=True)

    assert (unread_again["read_at"], unread_again["seen_at"]) == (None, first["seen_at"])
    assert second["read_at"] > first["read_at"]


def test_an_archived_one_counts_no_more_and_comes_back_unread(api: ApiClient, user: User) -> None:
    row = tell(user)  # NTF 5

    assert patch(api, row, is_archived=True)["is_archived"] is True
    assert (unread(api), titles(api)) == (0, [])
    assert patch(api, row, is_archived=False)["is_read"] is False
    assert (unread(api), titles(api)) == (1, ["Hello"])


def test_a_deleted_one_is_gone_and_not_told_again(api: ApiClient, user: User) -> None:
    row = tell(user, "Secret", body="words", dedupe_key="once")

    assert api.send("DELETE", f"{PATH}/{row.pk}").status_code == 204

    assert tell_all([user], "Secret", dedupe_key="once") == ()
    assert (titles(api), unread(api)) == ([], 0)
    assert problem(api.send("GET", f"{PATH}/{row.pk}"))["code"] == "not_found"
    assert problem(api.send("DELETE", f"{PATH}/{row.pk}"))["code"] == "not_found"
    row.refresh_from_db()
    assert (row.title, row.body) == ("", "")


@pytest.mark.parametrize(
    "body",
    [{"title": "x"}, {"is_read": "yes"}, {"snoozed_until": "2020-01-01T00:00:00Z"}, {"id": "1"}],
)
def test_a_change_that_is_none(api: ApiClient, user: User, body: dict[str, Any]) -> None:
    row = tell(user)

    refused = api.send("PATCH", f"{PATH}/{row.pk}", body)

    assert refused.status_code == 400
    row.refresh_from_db()
    assert row.read_at is None


def test_the_version_rises_with_every_change(api: ApiClient, user: User) -> None:
    versions = [api.read(COUNT)["version"]]

    def note() -> None:
        versions.append(api.read(COUNT)["version"])

    row = tell(user)
    note()
    for change in ({"is_read": True}, {"is_read": False}, {"is_archived": True}):
        patch(api, row, **change)
        note()
    api.send("DELETE", f"{PATH}/{row.pk}")
    note()

    assert versions == sorted(set(versions))


def test_bulk_reports_what_is_not_mine(api: ApiClient, user: User, stranger: User) -> None:
    mine = [tell(user, str(n)) for n in range(3)]  # NTF 7
    theirs, nobodys = tell(stranger).pk, uuid4()
    ids = [str(row.pk) for row in mine[:2]] + [str(theirs), str(nobodys), str(mine[0].pk)]

    answer = api.send("POST", f"{PATH}/bulk", {"ids": ids, "action": "read"})

    assert orjson.loads(answer.content) == {"updated": 2, "ignored": [str(theirs), str(nobodys)]}
    assert unread(api) == 1
    assert Notification.objects.by_id(theirs).read_at is None


@pytest.mark.parametrize(
    ("action", "count", "listed"),
    [("read", 0, 2), ("unread", 2, 2), ("seen", 2, 2), ("archive", 0, 0), ("delete", 0, 0)],
)
def test_bulk_actions(api: ApiClient, user: User, action: str, count: int, listed: int) -> None:
    ids = [str(tell(user, str(n)).pk) for n in range(2)]

    answer = api.send("POST", f"{PATH}/bulk", {"ids": ids, "action": action})

    assert orjson.loads(answer.content) == {"updated": 2, "ignored": []}
    assert (unread(api), len(titles(api))) == (count, listed)


@pytest.mark.parametrize(
    "body",
    [
        {"ids": [str(uuid4()) for _ in range(501)], "action": "read"},
        {"ids": [], "action": "burn"},
        {"ids": ["x"], "action": "read"},
        {"action": "read"},
    ],
)
def test_bulk_refuses(api: ApiClient, body: dict[str, Any]) -> None:
    assert api.send("POST", f"{PATH}/bulk", body).status_code == 400


def test_bulk_of_nothing_changes_nothing(api: ApiClient) -> None:
    answer = api.send("POST", f"{PATH}/bulk", {"ids": [], "action": "read"})

    assert orjson.loads(answer.content) == {"updated": 0, "ignored": []}


def test_bulk_finds_and_changes_in_one_statement(api: ApiClient, user: User) -> None:  # NTF 7
    ids = [str(tell(user, str(n)).pk) for n in range(20)]
    api.read(COUNT)

    with CaptureQueriesContext(connection) as captured:
        api.send("POST", f"{PATH}/bulk", {"ids": ids, "action": "read"})

    touching = [q for q in captured if "notifications_notification" in q["sql"]]
    assert len([q for q in touching if q["sql"].startswith("UPDATE")]) == 1
    assert len(touching) == 2  # and the count that is told


def read_all(api: ApiClient, body: Any = None, query: str = "") -> int:
    answer = api.send("POST", f"{PATH}/read-all{query}", body)
    assert answer.status_code == 200, answer.content
    return int(orjson.loads(answer.content)["updated"])


def test_read_all_reads_what_the_filters_keep(api: ApiClient, user: User) -> None:  # NTF 6
    tell(user, "a", type="error")
    tell(user, "b", kind="build.failed")
    tell(user, "c")

    assert read_all(api, {"type": "error"}) == 1
    assert read_all(api, None, "?kind=build.failed") == 1
    assert read_all(api, {"search": "nothing"}) == 0
    assert unread(api) == 1
    assert read_all(api) == 1
    assert read_all(api) == 0
    assert unread(api) == 0


def test_read_all_leaves_what_came_after(api: ApiClient, user: User) -> None:  # NTF 6
    now = timezone.now()
    tell(user, "a", at=now - timedelta(minutes=3))
    seen = tell(user, "b", at=now - timedelta(minutes=2))
    tell(user, "c", at=now - timedelta(minutes=1))

    assert read_all(api, {"before": rfc3339(seen.created_at)}) == 1
    assert titles(api, "?is_read=false") == ["c", "b"]
    assert read_all(api, {"before": str(seen.pk)}) == 1
    assert titles(api, "?is_read=false") == ["c"]
    assert read_all(api, {"before": str(uuid4())}) == 0


@pytest.mark.parametrize("body", [{"before": "soon"}, {"befor": "x"}, {"type": "no"}])
def test_read_all_refuses(api: ApiClient, user: User, body: dict[str, str]) -> None:
    tell(user)

    assert api.send("POST", f"{PATH}/read-all", body).status_code == 400
    assert unread(api) == 1


def test_a_snoozed_one_is_hidden_and_comes_back_unread(api: ApiClient, user: User) -> None:
    row = tell(user)  # NTF 19
    patch(api, row, is_read=True)
    later = timezone.now() + timedelta(hours=2)

    shown = patch(api, row, snoozed_until=rfc3339(later))

    assert shown["snoozed_until"] == rfc3339(later)
    assert (titles(api), titles(api, "?is_snoozed=true")) == ([], ["Hello"])
    with travel(later + timedelta(seconds=1), tick=True):
        client = ApiClient()
        client.sign_in(user)
        assert unread(client) == 1
        found = client.read(PATH)["items"]
    assert [(item["is_read"], item["snoozed_until"]) for item in found] == [(False, None)]


def test_what_is_archived_while_it_sleeps_stays_away(api: ApiClient, user: User) -> None:
    row = tell(user)
    later = timezone.now() + timedelta(hours=2)
    patch(api, row, snoozed_until=rfc3339(later))
    patch(api, row, is_read=True, is_archived=True)
    arrived = StreamMessage.objects.filter(event="notification.created").count()

    with travel(later + timedelta(seconds=1), tick=True):
        again = signed_in(user)
        assert (titles(again), unread(again)) == ([], 0)
        (shown,) = again.read(f"{PATH}?is_archived=true")["items"]

    assert (shown["is_read"], shown["snoozed_until"]) == (True, None)
    assert StreamMessage.objects.filter(event="notification.created").count() == arrived


def test_what_is_about_a_place_they_left_wakes_unheard(stranger: User, acme: Organization) -> None:
    join(acme, stranger, "member")
    row = tell(stranger, organization_id=acme.pk)
    later = timezone.now() + timedelta(hours=2)
    patch(signed_in(stranger), row, snoozed_until=rfc3339(later))
    members.leave(organization_id=acme.pk, user_id=stranger.pk, now=timezone.now())
    arrivals = StreamMessage.objects.filter(event="notification.created")
    before = list(arrivals.values_list("pk", flat=True))

    with travel(later + timedelta(seconds=1), tick=True):
        assert titles(signed_in(stranger)) == []
        join(acme, stranger, "member")
        assert "Hello" in titles(signed_in(stranger))

    woken = arrivals.exclude(pk__in=before)
    assert str(row.pk) not in {message.data["notification"]["id"] for message in woken}


def test_a_snooze_can_be_ended_early(api: ApiClient, user: User) -> None:
    row = tell(user)
    patch(api, row, snoozed_until=rfc3339(timezone.now() + timedelta(hours=2)))
    assert unread(api) == 0

    patch(api, row, snoozed_until=None)

    assert (unread(api), titles(api)) == (1, ["Hello"])


def statements(api: ApiClient, path: str) -> int:
    api.read("/api/v1/users/me")
    with CaptureQueriesContext(connection) as captured:
        api.read(path)
    return len(captured)


@pytest.mark.parametrize("rows", [1, 20, 100])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{PATH}?page_size=100", 1),
        (f"{PATH}?cursor=&page_size=100", 1),
        (f"{PATH}?is_read=false", 1),
        (f"{PATH}?is_read=false&type=info", 2),
        (f"{PATH}?cursor=&search=hello", 1),
        (COUNT, 1),
    ],
)
def test_what_an_answer_costs(
    api: ApiClient, user: User, acme: Organization, path: str, expected: int, rows: int
) -> None:
    for number in range(rows):
        place = acme.pk if number % 2 else None
        tell(user, f"Hello {number}", organization_id=place, actor_id=user.pk, kind=f"k{number}")
    api.read(PATH)

    assert statements(api, path) == expected


def test_an_empty_list_costs_one_statement(api: ApiClient) -> None:
    assert statements(api, PATH) == 1
    assert statements(api, f"{PATH}?cursor=") == 1


@pytest.mark.parametrize("query", ["page_size=10", "page_size=10&is_read=false"])
def test_the_list_is_walked_back_to_where_it_began(api: ApiClient, user: User, query: str) -> None:
    read = [tell(user, f"read {number}", kind=f"r{number}") for number in range(3)]
    for number in range(25):
        tell(user, str(number), kind=f"k{number}")
    api.send("POST", f"{PATH}/bulk", {"action": "read", "ids": [str(each.pk) for each in read]})
    walked = [api.read(f"{PATH}?{query}&cursor=")]
    while (cursor := walked[-1]["next_cursor"]) is not None:
        walked.append(api.read(f"{PATH}?{query}&cursor={cursor}"))
    back = [walked[-1]]
    while (cursor := back[-1]["prev_cursor"]) is not None:
        back.append(api.read(f"{PATH}?{query}&cursor={cursor}"))

    assert [len(page["items"]) for page in walked] == [10, 10, 5 if "is_read" in query else 8]
    assert [page["items"] for page in reversed(back)] == [page["items"] for page in walked]


def test_walking_misses_nothing_while_rows_arrive(api: ApiClient, user: User) -> None:  # NTF 28
    now = timezone.now()
    for number in range(30):
        tell(user, str(number), kind=f"k{number}", at=now - timedelta(minutes=number))
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = api.read(f"{PATH}?page_size=7&cursor={cursor}")
        seen += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
        tell(user, "new", kind="other")

    assert [title for title in seen if title != "new"] == [str(n) for n in range(30)]


def test_there_is_one_inbox_a_person(api: ApiClient, user: User) -> None:
    tell(user)
    api.read(COUNT)
    tell(user)

    assert Inbox.objects.filter(user=user).count() == 1
