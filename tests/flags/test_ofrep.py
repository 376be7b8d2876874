"""OpenFeature's remote evaluation, as its clients call it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flags import snapshots
from flags.services import keys
from organizations.models import Organization
from tests.client import ApiClient
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share

ALL = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def server(anonymous: ApiClient) -> ApiClient:
    """A client with a key of the environment."""
    _, secret, _ = keys.create(name="a server", environment="production", author=AUTHOR)
    anonymous.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return anonymous


def asked(client: ApiClient, path: str, status: int = 200, **context: Any) -> Any:
    response = client.send("POST", path, {"context": {"targetingKey": "k", **context}})
    assert response.status_code == status, response.content
    return orjson.loads(response.content)


def test_one_flag(server: ApiClient) -> None:  # FLG 26
    make_flag(strategies=[share("0")], allowed={"userId": ["alice"]})

    assert asked(server, f"{ALL}/lamp", userId="alice") == {
        "key": "lamp",
        "value": True,
        "reason": "TARGETING_MATCH",
        "variant": "on",
        "metadata": {"enabled": True, "version": 2},
    }
    off = asked(server, f"{ALL}/lamp", userId="bob")
    assert (off["value"], off["variant"], off["reason"]) == (False, "off", "SPLIT")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "red", "red"), ("number", "2", 2), ("number", "2.5", 2.5),
        ("json", '{"a": [1]}', {"a": [1]}), ("csv", "a,b", "a,b"),
    ],
)  # fmt: skip
def test_a_value_has_the_type_of_its_payload(
    server: ApiClient, kind: str, text: str, value: Any
) -> None:
    variant = {"name": "v", "weight": 1, "payload": {"type": kind, "value": text}}
    make_flag(variants=[variant])

    found = asked(server, f"{ALL}/lamp")

    assert (found["value"], found["variant"]) == (value, "v")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "TARGETING_KEY_MISSING"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": ""}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": 5}}, "INVALID_CONTEXT"),
        ({"context": []}, "INVALID_CONTEXT"),
        ([], "TARGETING_KEY_MISSING"),
        (b"{", "PARSE_ERROR"),
    ],
)
def test_what_is_wrong_is_told_in_its_words(server: ApiClient, body: Any, code: str) -> None:
    make_flag()

    one, every = (server.send("POST", path, body) for path in (f"{ALL}/lamp", ALL))

    assert (one.status_code, every.status_code) == (400, 400)
    assert orjson.loads(one.content)["errorCode"] == code
    assert orjson.loads(one.content)["key"] == "lamp"
    assert orjson.loads(every.content)["errorCode"] == code


def test_an_unknown_flag(server: ApiClient) -> None:
    make_flag()

    found = asked(server, f"{ALL}/nothing", 404)

    assert (found["key"], found["errorCode"]) == ("nothing", "FLAG_NOT_FOUND")


def test_a_name_of_any_text(server: ApiClient) -> None:
    make_flag("ランプ/1")

    assert asked(server, f"{ALL}/%E3%83%A9%E3%83%B3%E3%83%97%2F1")["key"] == "ランプ/1"


def test_all_flags_are_tagged_by_rules_and_context(server: ApiClient) -> None:  # FLG 26
    make_flag(strategies=[share("50")])
    body = {"context": {"targetingKey": "k"}}
    first = server.send("POST", ALL, body)
    tag = first["ETag"]

    assert server.send("POST", ALL, body, if_none_match=tag).status_code == 304
    other = {"context": {"targetingKey": "k", "role": "x"}}
    assert server.send("POST", ALL, other, if_none_match=tag).status_code == 200
    change_rules(strategies=[share("51")])
    from flags import snapshots

    snapshots.refresh("production")
    assert server.send("POST", ALL, body, if_none_match=tag).status_code == 200


def test_who_may_ask(anonymous: ApiClient, server: ApiClient) -> None:
    make_flag()
    secret = server.defaults.pop("HTTP_AUTHORIZATION").removeprefix("Bearer ")
    body = {"context": {"targetingKey": "k"}}

    assert anonymous.send("POST", ALL, body).status_code == 401
    assert anonymous.send("POST", ALL, body, authorization="Bearer tnf_x").status_code == 401
    assert anonymous.send("POST", ALL, body, x_api_key=secret).status_code == 200


def test_a_person_is_who_the_server_knows(
    api: ApiClient, user: User, acme: Organization, globex: Organization
) -> None:  # FLG 27
    make_flag(
        settings={"is_client_visible": True},
        strategies=[share("0")],
        allowed={"userId": ["somebody"], "isStaff": ["true"], "organization": [str(globex.pk)]},
    )
    make_flag("server only")
    claims: dict[str, Any] = {
        "userId": "somebody",
        "isStaff": "true",
        "organization": str(globex.pk),
    }

    assert asked(api, f"{ALL}/lamp", **claims)["value"] is False
    assert [each["key"] for each in asked(api, ALL, **claims)["flags"]] == ["lamp"]
    asked(api, f"{ALL}/server only", 404)

    change_rules(allowed={"organization": [str(acme.pk)], "role": ["owner"]})
    from flags import snapshots

    snapshots.refresh("production")
    assert asked(api, f"{ALL}/lamp", organization=str(acme.pk))["value"] is True
    assert asked(api, f"{ALL}/lamp", role="owner")["value"] is False


def test_a_tenants_key_sees_its_organization_alone(
    anonymous: ApiClient, acme: Organization, globex: Organization
) -> None:
    make_flag(settings={"is_client_visible": True}, strategies=[share("0")])
    change_rules(allowed={"organization": [str(globex.pk)]})
    _, secret, _ = keys.create(
        name="t", environment="production", author=AUTHOR, organization_id=acme.pk
    )
    anonymous.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"

    assert asked(anonymous, f"{ALL}/lamp", organization=str(globex.pk))["value"] is False


def test_an_answer_costs_one_query(
    server: ApiClient, django_assert_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    for number in range(20):
        make_flag(f"flag {number}")
    asked(server, ALL)

    with django_assert_num_queries(1):  # the key
        assert len(asked(server, ALL)["flags"]) == 20


def test_a_limit_answers_with_how_long_to_wait(server: ApiClient, settings: Any) -> None:
    settings.RATE_LIMITS = {"user": "1/60"}
    make_flag()
    body = {"context": {"targetingKey": "k"}}

    server.send("POST", ALL, body)
    limited = server.send("POST", ALL, body)

    assert limited.status_code == 429
    assert int(limited["Retry-After"]) > 0


def test_answers_are_marked_while_the_database_is_away(server: ApiClient) -> None:  # FLG 21
    make_flag()
    fresh = asked(server, f"{ALL}/lamp", userId="alice")["metadata"]
    held = snapshots.read("production")
    assert held is not None
    snapshots.forget()
    snapshots.put(replace(held, is_stale=True))  # as it comes out of the file

    stale = asked(server, f"{ALL}/lamp", userId="alice")["metadata"]

    assert stale == {**fresh, "stale": True}
