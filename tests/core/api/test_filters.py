from typing import Any
from urllib.parse import quote

import pytest

from accounts.models import User
from organizations.models import Organization
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.core.api.test_pagination import SESSIONS, add_sessions
from tests.tenants import join

MEMBERS = "/api/v1/organizations/{acme}/members"


@pytest.mark.parametrize(
    "query",
    ["pagesize=5", "Page=1", "user__password__startswith=a", "_connector=OR", "user=1", "%00=1"],
)
def test_an_unknown_parameter_is_refused(api: ApiClient, query: str) -> None:  # PLT 4
    response = api.send("GET", f"{SESSIONS}?{query}")

    assert response.status_code == 400
    assert problem(response)["code"] == "unknown_parameter"


def test_calls_that_are_no_list_take_no_parameters(api: ApiClient) -> None:  # PLT 4
    response = api.send("GET", "/api/v1/users/me?page=1")

    assert problem(response)["errors"] == [
        {"pointer": "/page", "code": "unknown_parameter", "detail": "None are known here."}
    ]


def test_a_parameter_is_given_once(api: ApiClient) -> None:
    response = api.send("GET", f"{SESSIONS}?page=1&page=2")

    assert problem(response)["errors"][0]["pointer"] == "/page"


@pytest.mark.parametrize("order", ["password", "user", "-refresh_id", "", "created_at,created_at"])
def test_only_named_fields_order_a_list(api: ApiClient, order: str) -> None:  # PLT 4
    response = api.send("GET", f"{SESSIONS}?ordering={order}")

    assert problem(response)["errors"][0]["pointer"] == "/ordering"


def test_an_order_can_be_turned_around(api: ApiClient, user: User) -> None:
    add_sessions(user, 5)

    up = api.read(f"{SESSIONS}?ordering=created_at")["items"]
    down = api.read(f"{SESSIONS}?ordering=-created_at")["items"]

    assert [item["id"] for item in up] == [item["id"] for item in down][::-1]


def test_searching_wants_every_word_in_any_case(api: ApiClient, user: User) -> None:
    add_sessions(user, 5, device="Blue PHONE")
    add_sessions(user, 3, device="blue tablet")

    assert api.read(f"{SESSIONS}?search=phone+BLUE")["total"] == 5


@pytest.mark.parametrize("text", ["%", "_", "'", '"', "\\", "🏮", "the and of", "%_%" * 60])
def test_searching_takes_every_character_as_itself(
    api: ApiClient, user: User, text: str
) -> None:  # PLT 5
    add_sessions(user, 3)

    assert api.read(f"{SESSIONS}?search={quote(text)}")["total"] == 0


def test_a_search_of_ten_thousand_characters_is_refused(api: ApiClient) -> None:  # PLT 5
    response = api.send("GET", f"{SESSIONS}?search={'a' * 10_000}")

    assert problem(response)["errors"][0]["code"] == "too_long"


def test_a_search_can_not_hold_nul(api: ApiClient) -> None:
    response = api.send("GET", f"{SESSIONS}?search=a%00b")

    assert problem(response)["errors"][0]["code"] == "null_character"


def test_a_list_costs_the_same_for_one_row_and_for_twenty(
    api: ApiClient, user: User, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    api.read(SESSIONS)
    with django_assert_num_queries(1):  # type: ignore[operator]  # the page with its total
        api.read(SESSIONS)
    add_sessions(user, 20)

    with django_assert_num_queries(1):  # type: ignore[operator]
        page = api.read(SESSIONS)

    assert len(page["items"]) == 20


@pytest.mark.parametrize(("address", "order"), [(SESSIONS, "-created_at"), (MEMBERS, "-joined_at")])
def test_a_list_reads_the_same_with_its_usual_order_named(
    api: ApiClient, user: User, acme: Organization, address: str, order: str
) -> None:
    add_sessions(user, 4)
    for number in range(4):
        join(acme, make_user(f"p{number}@example.com"), "viewer")
    path = address.format(acme=acme.pk)

    def read(query: str) -> Any:
        found = api.read(f"{path}?{query}")
        assert found == api.read(f"{path}?{query}&ordering={order}")
        return found

    assert [len(read(f"page={page}&page_size=2")["items"]) for page in (1, 2, 3, 9)] == [2, 2, 1, 0]
    cursor: str | None = ""
    last: str | None = ""
    for direction in ("next_cursor", "prev_cursor"):
        while cursor is not None:
            last, cursor = cursor, read(f"cursor={cursor}&page_size=2")[direction]
        cursor = last  # the last page, from which it goes back
