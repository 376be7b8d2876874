from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.client import ApiClient, problem

ME = "/api/v1/users/me"


def test_me_tells_who_the_token_belongs_to(api: ApiClient, user: User) -> None:
    me = api.read(ME)

    assert me["id"] == str(user.pk)
    assert me["email"] == "uma@example.com"


def test_without_a_token_the_api_says_so(anonymous: ApiClient) -> None:
    response = anonymous.send("GET", ME)

    assert problem(response)["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_profile_changes_in_the_fields_that_are_given(api: ApiClient, user: User) -> None:
    before = api.read(ME)
    change = {"full_name": "Uma the Second", "time_zone": "Europe/Paris"}

    response = api.send("PATCH", ME, change)

    assert response.status_code == 200
    assert response.json() == before | change
    assert api.read(ME) == before | change  # no copy of before is left anywhere


def test_a_change_of_nothing_is_none(api: ApiClient, user: User) -> None:  # PLT 7
    before = User.objects.values().get()
    api.read(ME)

    with CaptureQueriesContext(connection) as captured:
        response = api.send("PATCH", ME, {})

    assert response.status_code == 200
    assert response.json() == api.read(ME)
    assert User.objects.values().get() == before
    assert not [query for query in captured if query["sql"].startswith("UPDATE")]


def test_a_change_is_dated(api: ApiClient, user: User) -> None:
    api.send("PATCH", ME, {"language": "de"})

    assert User.objects.get().updated_at > user.updated_at


@pytest.mark.parametrize(
    "name",
    [
        *("nickname", "FULL_NAME", "", "password", "is_staff", "is_active", "email_verified_at"),
        *("id", "email", "email_verified", "created_at", "updated_at"),
    ],
)
def test_an_unknown_or_read_only_field_is_named_and_nothing_changes(
    api: ApiClient, user: User, name: str
) -> None:  # PLT 7
    before = User.objects.values().get()

    response = api.send("PATCH", ME, {name: "x", "full_name": "Somebody Else"})

    assert response.status_code == 400
    errors = problem(response)["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [
        (f"/{name}", "unknown_field")
    ]
    assert User.objects.values().get() == before


@pytest.mark.parametrize("name", ["full_name", "language", "time_zone"])
def test_null_is_not_the_same_as_absent(api: ApiClient, user: User, name: str) -> None:  # PLT 7
    before = User.objects.values().get()

    response = api.send("PATCH", ME, {name: None})

    assert response.status_code == 400
    assert problem(response)["errors"][0]["pointer"] == f"/{name}"
    assert User.objects.values().get() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("full_name", "a" * 201),
        ("full_name", 7),
        ("full_name", ["Uma"]),
        ("full_name", "Uma\x00"),
        ("language", ""),
        ("language", "english please"),
        ("language", "EN"),
        ("time_zone", ""),
        ("time_zone", "Mars/Olympus_Mons"),
        ("time_zone", "europe/paris"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "localtime"),  # whichever this server happens to have
    ],
)
def test_a_value_that_makes_no_sense_is_pointed_at(
    api: ApiClient, user: User, name: str, value: Any
) -> None:
    before = User.objects.values().get()

    response = api.send("PATCH", ME, {name: value})

    assert response.status_code == 400
    assert problem(response)["errors"][0]["pointer"] == f"/{name}"
    assert User.objects.values().get() == before


@pytest.mark.parametrize("body", [[], "text", 1, None, [{"full_name": "x"}]])
def test_a_profile_is_changed_by_an_object(api: ApiClient, body: Any) -> None:
    response = api.send("PATCH", ME, b"null" if body is None else body)

    assert response.status_code == 400


@pytest.mark.parametrize("name", ["", "名前", "Zoë 👩‍🚀", "<script>alert(1)</script>"])
def test_a_name_is_any_text(api: ApiClient, name: str) -> None:
    assert api.send("PATCH", ME, {"full_name": name}).json()["full_name"] == name
