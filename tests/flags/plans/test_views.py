"""Planned changes, environments and what seems forgotten, over the API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import User
from core.api.serializers import rfc3339
from flags.models import Environment, Flag, FlagRules, PlannedChange
from flags.services import keys
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.tenants import signed_in

PLANS = "/api/v1/flags/plans"
PRODUCTION = "/api/v1/flags/environments/production"
pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> ApiClient:
    return signed_in(make_user("olga@example.com", staff=True))


@pytest.fixture
def hugo() -> ApiClient:
    return signed_in(make_user("hugo@example.com", staff=True))


def body(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return orjson.loads(response.content) if response.content else None


def path_of(flag: Flag) -> str:
    return f"/api/v1/flags/definitions/{flag.pk}/environments/production"


def soon() -> str:
    return str(rfc3339(timezone.now() + timedelta(hours=1)))


def test_a_change_is_planned_and_taken_back(olga: ApiClient) -> None:  # FLG 17, 30
    flag = make_flag()
    path = f"{path_of(flag)}/plans"
    wanted = {"due_at": soon(), "enabled": False, "reason": "the end of it"}

    assert problem(olga.send("POST", path, wanted))["code"] == "precondition_required"
    assert olga.send("POST", path, wanted, if_match='"1"').status_code == 412
    made = body(olga.send("POST", path, wanted, if_match='"2"'), 201)
    assert (made["state"], made["flag"], made["changes"]) == (
        "scheduled", "lamp", {"enabled": False},
    )  # fmt: skip
    assert made["due_at"] == wanted["due_at"]
    assert olga.read(f"{PLANS}/{made['id']}") == made
    assert olga.read(f"{PLANS}?flag=lamp&environment=production&state=scheduled")["total"] == 1
    assert olga.read(f"{PLANS}?state=applied")["total"] == 0

    ended = body(olga.send("POST", f"{PLANS}/{made['id']}/cancel", {"reason": "not yet"}))
    assert (ended["state"], ended["why_ended"]) == ("cancelled", "not yet")
    assert olga.send("POST", f"{PLANS}/{uuid4()}/cancel", {}).status_code == 404


def test_a_time_that_is_past_is_refused_or_means_now(olga: ApiClient) -> None:  # FLG 17
    flag = make_flag()
    path = f"{path_of(flag)}/plans"
    past = {"due_at": "2026-01-01T00:00:00Z", "enabled": False}

    told = problem(olga.send("POST", path, past, if_match='"2"'))
    assert [each["pointer"] for each in told["errors"]] == ["/due_at"]
    now = body(olga.send("POST", path, {**past, "at_once_if_past": True}, if_match='"2"'), 201)
    assert (now["state"], FlagRules.objects.get().enabled) == ("applied", False)


def test_reading_rules_makes_lasting_what_is_due(olga: ApiClient) -> None:
    flag = make_flag()
    wanted = {"due_at": soon(), "enabled": False}
    made = body(olga.send("POST", f"{path_of(flag)}/plans", wanted, if_match='"2"'), 201)
    moment = timezone.now() - timedelta(seconds=1)
    PlannedChange.objects.of_flag(flag.pk).update(due_at=moment)

    read = olga.send("GET", path_of(flag))
    assert (body(read)["enabled"], read["ETag"]) == (False, '"3"')
    assert olga.read(f"{PLANS}/{made['id']}")["state"] == "applied"


def test_two_people_decide(olga: ApiClient, hugo: ApiClient) -> None:  # FLG 34
    flag = make_flag()
    version = olga.send("GET", PRODUCTION)["ETag"]
    demand = {"demands_approval": True}
    assert problem(olga.send("PATCH", PRODUCTION, demand))["code"] == "precondition_required"
    assert olga.send("PATCH", PRODUCTION, demand, if_match='"0"').status_code == 412
    assert body(olga.send("PATCH", PRODUCTION, demand, if_match=version))["demands_approval"]

    off = {"enabled": False}
    told = problem(olga.send("PATCH", path_of(flag), off, if_match='"2"'))
    assert (told["status"], told["code"]) == (409, "approval_needed")
    made = body(olga.send("POST", f"{path_of(flag)}/plans", off, if_match='"2"'), 201)
    assert (made["state"], made["due_at"]) == ("proposed", None)
    approve = f"{PLANS}/{made['id']}/approve"
    assert problem(olga.send("POST", approve, {}))["status"] == 403
    assert body(hugo.send("POST", approve, {}))["state"] == "applied"
    assert FlagRules.objects.get().enabled is False
    again = body(
        olga.send("POST", f"{path_of(flag)}/plans", {"enabled": True}, if_match='"3"'), 201
    )
    rejected = body(hugo.send("POST", f"{PLANS}/{again['id']}/reject", {"reason": "no"}))
    assert (rejected["state"], rejected["decided_by_name"]) == ("rejected", "Uma User")


def test_who_manages_need_not_approve(user: User, olga: ApiClient) -> None:  # FLG 34
    flag = make_flag()
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="manage"))
    client = signed_in(user)
    version = olga.send("GET", PRODUCTION)["ETag"]

    assert client.send("PATCH", PRODUCTION, {"demands_approval": True}, if_match=version)
    assert not Environment.objects.get().demands_approval
    olga.send("PATCH", PRODUCTION, {"demands_approval": True}, if_match=version)
    wanted = {"enabled": False}
    made = body(olga.send("POST", f"{path_of(flag)}/plans", wanted, if_match='"2"'), 201)
    for decision in ("approve", "reject"):
        assert client.send("POST", f"{PLANS}/{made['id']}/{decision}", {}).status_code == 403
    assert client.send("POST", f"{PLANS}/{made['id']}/cancel", {}).status_code == 200


def test_an_environment_is_copied(olga: ApiClient) -> None:  # FLG 34
    make_flag(strategies=[share("5")], allowed={"userId": ["alice"]})
    keys.create(name="k", environment="staging", author=AUTHOR)
    path = "/api/v1/flags/environments/staging"
    version = olga.send("GET", path)["ETag"]
    wanted = {"source": "production", "reason": "a release"}

    assert problem(olga.send("POST", f"{path}/copy", wanted))["code"] == "precondition_required"
    done = olga.send("POST", f"{path}/copy", wanted, if_match=version)
    assert body(done) == {"changed": ["lamp"], "planned": [], "unchanged": 0}
    assert done["ETag"] == f'"{int(version.strip(chr(34))) + 1}"'
    row = FlagRules.objects.get(environment__name="staging")
    assert (row.strategies, row.allowed) == ([share("5")], {})
    late = olga.send("POST", f"{path}/copy", wanted, if_match=version)
    assert late.status_code == 412
    nowhere = olga.send("POST", f"{PRODUCTION}x/copy", wanted, if_match='"0"')
    assert nowhere.status_code == 404


def test_what_seems_forgotten_is_listed(olga: ApiClient) -> None:  # FLG 32
    flag = make_flag()
    assert olga.read("/api/v1/flags/stale") == {"stale": []}
    Flag.objects.update(expires_at="2026-01-01T00:00:00Z")

    [found] = olga.read("/api/v1/flags/stale?environment=production")["stale"]
    assert found == {
        "id": str(flag.pk), "name": "lamp", "why": "expired on 2026-01-01", "owner_id": None,
    }  # fmt: skip
    assert olga.send("GET", "/api/v1/flags/stale?environment=x").status_code == 404


def test_a_flag_has_an_owner_of_the_staff(olga: ApiClient, user: User) -> None:  # FLG 32
    base = "/api/v1/flags/definitions"
    made = body(olga.send("POST", base, {"name": "lamp"}), 201)
    assert made["owner_id"] == str(User.objects.by_email("olga@example.com").pk)  # type: ignore[union-attr]
    path = f"{base}/{made['id']}"

    told = problem(olga.send("PATCH", path, {"owner_id": str(user.pk)}, if_match='"1"'))
    assert [each["pointer"] for each in told["errors"]] == ["/owner_id"]
    nobody = body(olga.send("PATCH", path, {"owner_id": None}, if_match='"1"'))
    assert nobody["owner_id"] is None
    [newest, *_] = olga.read("/api/v1/flags/changes?cursor=")["items"]
    assert newest["before"]["owner_id"] == made["owner_id"]
    olga.send("POST", f"/api/v1/flags/changes/{newest['id']}/revert", {})


@pytest.mark.parametrize("path", [PLANS, "/api/v1/flags/stale", PRODUCTION])
def test_people_see_none_of_it(api: ApiClient, anonymous: ApiClient, path: str) -> None:
    change_rules(name=make_flag().name)
    assert api.send("GET", path).status_code == 403
    assert anonymous.send("GET", path).status_code == 401


def test_a_list_of_plans_costs_the_same_for_one_or_twenty(
    olga: ApiClient, django_assert_num_queries: Any
) -> None:
    for number in range(20):
        flag = make_flag(f"flag {number}")
        wanted = {"due_at": soon(), "enabled": False}
        olga.send("POST", f"{path_of(flag)}/plans", wanted, if_match='"2"')
    olga.read(f"{PLANS}?cursor=")

    with django_assert_num_queries(1):
        assert len(olga.read(f"{PLANS}?cursor=")["items"]) == 20
