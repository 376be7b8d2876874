from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User, UserSession
from core.keyset import SortKey
from tests.client import ApiClient, problem

SESSIONS = "/api/v1/users/me/sessions"


def add_sessions(user: User, count: int, *, device: str = "phone") -> None:
    now = timezone.now()
    UserSession.objects.add_all(
        UserSession(
            user=user,
            refreshed_at=now,
            device=f"{device} {number % 5}",  # equal sort keys on purpose
            ip_address="127.0.0.1",
            last_seen_at=now,
            expires_at=now + timedelta(days=1),
        )
        for number in range(count)
    )


def walk(api: ApiClient, query: str = "", *, back: bool = False) -> list[str]:
    """Return the ids of a whole list, read by cursor from its first page (or its last) on."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.read(f"{SESSIONS}?page_size=7&cursor={cursor}{query}")
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    return ids


def test_a_page_tells_where_it_stands(api: ApiClient, user: User) -> None:
    add_sessions(user, 44)  # and the one that asks

    page = api.read(f"{SESSIONS}?page=2&page_size=20")

    assert len(page.pop("items")) == 20
    assert page == {
        "total": 45,
        "page": 2,
        "page_size": 20,
        "pages": 3,
        "has_next": True,
        "has_prev": True,
    }


def test_pages_are_linked(api: ApiClient, user: User) -> None:
    add_sessions(user, 44)

    response = api.send("GET", f"{SESSIONS}?page=2")

    assert response["Link"] == (
        f'<http://testserver{SESSIONS}?page=1>; rel="first", '
        f'<http://testserver{SESSIONS}?page=3>; rel="last", '
        f'<http://testserver{SESSIONS}?page=1>; rel="prev", '
        f'<http://testserver{SESSIONS}?page=3>; rel="next"'
    )


def test_a_page_past_the_end_is_empty(api: ApiClient) -> None:  # PLT 2
    page = api.read(f"{SESSIONS}?page=999999999999999")

    assert page["items"] == []
    assert page["total"] == 1


@pytest.mark.parametrize("size", ["0", "-1", "101", "abc", "1e3", "", "٣", "1_0", "9" * 40])
def test_a_page_size_outside_its_bounds_is_refused(api: ApiClient, size: str) -> None:  # PLT 2
    response = api.send("GET", f"{SESSIONS}?page_size={size}")

    assert response.status_code == 400
    assert problem(response)["errors"][0]["pointer"] == "/page_size"


def test_walking_by_cursor_meets_each_row_once(api: ApiClient, user: User) -> None:  # PLT 1
    add_sessions(user, 40)

    ids = walk(api)

    assert len(ids) == len(set(ids)) == 41


def test_rows_that_come_and_go_while_walking_move_no_other(api: ApiClient, user: User) -> None:
    add_sessions(user, 40)  # PLT 1
    first = api.read(f"{SESSIONS}?page_size=10&cursor=")
    expected = [str(pk) for pk in newest_first(user)][10:20]
    add_sessions(user, 5, device="newer")
    UserSession.objects.by_id(UUID(first["items"][-1]["id"])).delete()

    second = api.read(f"{SESSIONS}?page_size=10&cursor={first['next_cursor']}")

    assert [item["id"] for item in second["items"]] == expected


def newest_first(user: User) -> list[UUID]:
    keys = [SortKey("created_at", True, False), SortKey("id", True, False)]
    return [session.pk for session in UserSession.objects.of(user).sorted_by(keys)]


def test_previous_leads_back_the_same_way(api: ApiClient, user: User) -> None:  # PLT 1
    add_sessions(user, 30)
    first = api.read(f"{SESSIONS}?page_size=10&cursor=")
    second = api.read(f"{SESSIONS}?page_size=10&cursor={first['next_cursor']}")

    back = api.read(f"{SESSIONS}?page_size=10&cursor={second['prev_cursor']}")

    assert back["items"] == first["items"]
    assert back["prev_cursor"] is None
    assert first["prev_cursor"] is None
    assert back["next_cursor"] is not None


def test_an_empty_list_has_no_cursors(api: ApiClient) -> None:
    page = api.read(f"{SESSIONS}?cursor=&search=nothing-has-this")

    assert page == {"items": [], "page_size": 20, "next_cursor": None, "prev_cursor": None}


def test_a_cursor_page_never_counts(
    api: ApiClient, user: User, django_assert_num_queries: pytest.FixtureRequest
) -> None:  # PLT 3
    add_sessions(user, 40)
    api.read(SESSIONS)  # the session is remembered from here on

    with django_assert_num_queries(1) as captured:  # type: ignore[operator]
        api.read(f"{SESSIONS}?cursor=")

    assert "COUNT" not in captured.captured_queries[0]["sql"]


def test_the_keyset_is_a_row_comparison(
    api: ApiClient, user: User, django_assert_num_queries: pytest.FixtureRequest
) -> None:  # PLT 1
    add_sessions(user, 40)
    cursor = api.read(f"{SESSIONS}?cursor=")["next_cursor"]

    with django_assert_num_queries(1) as captured:  # type: ignore[operator]
        api.read(f"{SESSIONS}?cursor={cursor}")

    sql = captured.captured_queries[0]["sql"]
    assert ") < (" in sql
    assert " OR " not in sql


@pytest.mark.parametrize(
    "query", ["&ordering=last_seen_at", "&ordering=-last_seen_at,created_at", "&search=phone"]
)
def test_a_cursor_holds_for_one_order_and_filter(api: ApiClient, user: User, query: str) -> None:
    add_sessions(user, 40)  # PLT 2
    cursor = api.read(f"{SESSIONS}?cursor=")["next_cursor"]

    response = api.send("GET", f"{SESSIONS}?cursor={cursor}{query}")

    assert problem(response)["code"] == "invalid_cursor"


def test_a_cursor_of_somebody_else_is_refused(
    api: ApiClient, user: User, stranger: User
) -> None:  # PLT 2
    add_sessions(user, 40)
    cursor = api.read(f"{SESSIONS}?cursor=")["next_cursor"]
    api.sign_in(stranger)

    response = api.send("GET", f"{SESSIONS}?cursor={cursor}")

    assert problem(response)["code"] == "invalid_cursor"


@pytest.mark.parametrize("place", [0, 10, 30, -1])
def test_a_cursor_that_was_touched_is_refused(api: ApiClient, user: User, place: int) -> None:
    add_sessions(user, 40)  # PLT 2
    cursor = list(api.read(f"{SESSIONS}?cursor=")["next_cursor"])
    cursor[place] = "A" if cursor[place] != "A" else "B"

    response = api.send("GET", f"{SESSIONS}?cursor={''.join(cursor)}")

    assert problem(response)["code"] == "invalid_cursor"


def test_page_and_cursor_exclude_each_other(api: ApiClient) -> None:
    response = api.send("GET", f"{SESSIONS}?page=1&cursor=")

    assert problem(response)["errors"][0]["pointer"] == "/page"


def test_orders_that_run_both_ways_are_walked_completely(api: ApiClient, user: User) -> None:
    add_sessions(user, 40)  # PLT 1

    ids = walk(api, "&ordering=last_seen_at,-created_at")

    assert len(ids) == len(set(ids)) == 41


@pytest.mark.django_db
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ends=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=12), backward=st.booleans())
def test_nulls_stand_last_whichever_way_one_reads(
    user: User, ends: list[int | None], backward: bool
) -> None:  # PLT 1
    UserSession.objects.of(user).delete()
    add_sessions(user, len(ends))
    base = timezone.now()
    for session, end in zip(UserSession.objects.of(user), ends, strict=True):
        ended_at = None if end is None else base + timedelta(seconds=end)
        UserSession.objects.change(session, ended_at=ended_at)
    keys = [SortKey("ended_at", backward, True), SortKey("id", backward, False)]
    everything = list(UserSession.objects.of(user).sorted_by(keys))

    forward = steps(user, keys, everything, reading_backward=False)
    flipped = [key.flipped() for key in keys]
    reverse = steps(user, flipped, everything[::-1], reading_backward=True)

    assert [s.ended_at is None for s in everything] == sorted(e is None for e in ends)
    assert forward == everything[1:]
    assert reverse == everything[::-1][1:]


def steps(
    user: User, keys: list[SortKey], rows: list[UserSession], *, reading_backward: bool
) -> list[UserSession]:
    """Return, for each row, the next one by keyset."""
    found = []
    for row in rows:
        values = [row.ended_at, row.pk]
        behind = UserSession.objects.of(user).beyond(
            keys, values, reading_backward=reading_backward
        )
        following = behind.sorted_by(keys, reading_backward=reading_backward).first()
        found += [following] if following else []
    return found
