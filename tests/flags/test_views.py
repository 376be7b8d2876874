"""What the product's own clients are told, and what organizations decide."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest

from accounts.models import User
from flags import documents, snapshots
from organizations.models import Organization
from tests.budgets.counting import calls
from tests.client import ApiClient, problem
from tests.flags.conftest import change_rules, make_flag, share
from tests.tenants import person, signed_in

FLAGS = "/api/v1/flags"
VISIBLE = {"is_client_visible": True}


def test_the_flags_that_clients_may_know(
    api: ApiClient, user: User, acme: Organization, django_assert_num_queries: Callable[[int], Any]
) -> None:
    payload = {"type": "json", "value": "{}"}
    make_flag(
        settings=VISIBLE,
        allowed={"organization": [str(acme.pk)]},
        strategies=[share("0")],
        variants=[{"name": "red", "weight": 1, "payload": payload}],
    )
    make_flag("hidden")
    api.read(FLAGS)

    with django_assert_num_queries(1):  # the membership
        told = api.read(f"{FLAGS}?organization={acme.pk}")
    assert told["flags"] == {
        "lamp": {
            "enabled": True, "variant": "red", "payload": payload, "reason": "TARGETING_MATCH",
        }
    }  # fmt: skip
    off = api.read(FLAGS)["flags"]["lamp"]
    assert off == {"enabled": False, "variant": None, "payload": None, "reason": "SPLIT"}


def test_nothing_changed_is_304(api: ApiClient, acme: Organization) -> None:
    make_flag(settings=VISIBLE)
    first = api.send("GET", FLAGS)
    tag = first["ETag"]

    assert api.send("GET", FLAGS, if_none_match=tag).status_code == 304
    other = f"{FLAGS}?organization={acme.pk}"
    assert api.send("GET", other, if_none_match=tag).status_code == 200
    change_rules(enabled=False)
    snapshots.refresh("production")
    changed = api.send("GET", FLAGS, if_none_match=tag)
    assert changed.status_code == 200
    assert orjson.loads(changed.content)["version"] > orjson.loads(first.content)["version"]


def test_another_organization_is_not_there(
    api: ApiClient, anonymous: ApiClient, globex: Organization
) -> None:
    make_flag(settings=VISIBLE)
    answers = [api.send("GET", f"{FLAGS}?organization={each}") for each in (globex.pk, uuid4())]

    assert [each.status_code for each in answers] == [404, 404]
    assert api.send("GET", f"{FLAGS}?organization=acme").status_code == 400
    assert problem(api.send("GET", f"{FLAGS}?user=1"))["code"] == "unknown_parameter"
    assert anonymous.send("GET", FLAGS).status_code == 401


def test_before_there_is_any_flag(api: ApiClient) -> None:
    assert api.read(FLAGS) == {"flags": {}, "version": 0}


def test_a_thousand_flags_take_few_calls() -> None:  # FLG 24, whose time bench.flags tells
    flags = [
        {
            "name": f"flag {number}",
            "enabled": True,
            "strategies": [share("50")],
            "denied": {"userId": ["a"]},
        }
        for number in range(1000)
    ]
    rules = documents.snapshot("production", {"version": 1, "flags": flags}).rules
    context = {"userId": "u", "organization": "o"}

    def answer_all() -> None:
        for name in rules:
            rules.answer(name, context)

    _, called = calls(answer_all)

    assert called <= 16 * len(flags)


# -- Organizations ---------------------------------------------------------------------------------
def test_an_organizations_own_decision(api: ApiClient, acme: Organization) -> None:  # FLG 28
    make_flag(settings={**VISIBLE, "is_org_overridable": True}, strategies=[share("0")])
    make_flag("closed", settings=VISIBLE)
    path = f"/api/v1/organizations/{acme.pk}/flags"
    assert [each["enabled"] for each in api.read(path)["flags"]] == [None]

    done = api.send("PATCH", path, {"flag": "lamp", "enabled": True})
    assert orjson.loads(done.content)["flags"] == [
        {"flag": "lamp", "description": "", "enabled": True}
    ]
    assert api.read(f"{FLAGS}?organization={acme.pk}")["flags"]["lamp"]["enabled"]
    api.send("PATCH", path, {"flag": "lamp", "enabled": None})
    assert not api.read(f"{FLAGS}?organization={acme.pk}")["flags"]["lamp"]["enabled"]
    assert api.send("PATCH", path, {"flag": "closed", "enabled": True}).status_code == 403
    assert api.send("PATCH", path, {"flag": "nothing", "enabled": True}).status_code == 404
    assert api.send("PATCH", path, {"flag": "lamp"}).status_code == 400


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_may_not_decide(acme: Organization, role: str) -> None:
    make_flag(settings={"is_org_overridable": True})
    client = signed_in(person(acme, role))
    path = f"/api/v1/organizations/{acme.pk}/flags"

    assert client.send("GET", path).status_code == 200
    assert client.send("PATCH", path, {"flag": "lamp", "enabled": True}).status_code == 403
