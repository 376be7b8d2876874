"""Managing flags over the API."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from flags.models import FlagRules
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.flags.conftest import make_flag, share
from tests.tenants import signed_in

BASE = "/api/v1/flags/definitions"


@pytest.fixture
def staff(db: None) -> ApiClient:
    user = make_user("staff@example.com", staff=True)
    return signed_in(user)


def body(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return orjson.loads(response.content) if response.content else None


def rules_path(flag_id: Any) -> str:
    return f"{BASE}/{flag_id}/environments/production"


def test_a_flags_life(staff: ApiClient, user: User) -> None:
    made = body(staff.send("POST", BASE, {"name": "lamp", "is_client_visible": True}), 201)
    path = rules_path(made["id"])
    read = staff.send("GET", path)
    change = {"enabled": True, "strategies": [share("100")], "reason": "a start"}

    assert problem(staff.send("PATCH", path, change))["code"] == "precondition_required"
    changed = staff.send("PATCH", path, change, if_match=read["ETag"])
    assert body(changed)["enabled"] is True
    late = problem(staff.send("PATCH", path, change, if_match=read["ETag"]))
    assert (late["code"], late["version"]) == ("precondition_failed", "2")
    assert changed["ETag"] == '"2"'
    assert signed_in(user).read("/api/v1/flags")["flags"]["lamp"]["enabled"]

    assert body(staff.send("POST", f"{path}/kill", {}))["killed_at"]
    assert not signed_in(user).read("/api/v1/flags")["flags"]["lamp"]["enabled"]
    assert body(staff.send("POST", f"{path}/unkill", {}))["killed_at"] is None
    rolled = body(staff.send("POST", f"{path}/rollout", {"percentage": 12.5}))
    assert rolled["strategies"][0]["parameters"]["rollout"] == "12.5"
    assert staff.send("DELETE", f"{BASE}/{made['id']}").status_code == 204
    assert staff.read(f"{BASE}/{made['id']}")["archived_at"]
    assert body(staff.send("POST", f"{BASE}/{made['id']}/restore", {}))["archived_at"] is None


def test_mistakes_are_told_with_their_places(staff: ApiClient) -> None:
    flag = make_flag()
    wrong = {"strategies": [{"name": "default"}, {"name": "x"}], "variants": []}

    told = problem(staff.send("PATCH", rules_path(flag.pk), wrong, if_match='"2"'))
    assert [each["pointer"] for each in told["errors"]] == ["/strategies/1/name"]
    assert FlagRules.objects.get().version == 2
    every: list[Any] = [{"enable": True}, {"enabled": 1}, {"strategies": {}}, {"denied": []}]
    for unfit in every:
        assert staff.send("PATCH", rules_path(flag.pk), unfit, if_match='"2"').status_code == 400
    for tag in ("x", '"99999999999"', '"1"'):
        path = rules_path(flag.pk)
        assert staff.send("PATCH", path, {"enabled": True}, if_match=tag).status_code == 412


def test_history_and_the_way_back(staff: ApiClient) -> None:  # FLG 29
    flag = make_flag(strategies=[share("10")])
    path = rules_path(flag.pk)
    staff.send("PATCH", path, {"enabled": False, "reason": "oops"}, if_match='"2"')

    items = staff.read("/api/v1/flags/changes?name=lamp&cursor=")["items"]
    assert [each["action"] for each in items] == ["rules_changed", "rules_changed", "created"]
    assert (items[0]["actor_name"], items[0]["reason"]) == ("Uma User", "oops")
    assert (items[0]["before"]["enabled"], items[0]["after"]["enabled"]) == (True, False)
    assert items[0]["source"] == "api"

    revert = f"/api/v1/flags/changes/{items[1]['id']}/revert"
    assert staff.send("POST", revert, {}).status_code == 204
    assert staff.read(path)["enabled"] is True
    assert staff.send("POST", f"/api/v1/flags/changes/{uuid4()}/revert", {}).status_code == 404


def test_segments_show_whom_they_concern(staff: ApiClient) -> None:  # FLG 37
    rule = {"contextName": "userId", "operator": "IN", "values": ["alice"]}
    made = body(
        staff.send("POST", "/api/v1/flags/segments", {"name": "s", "constraints": [rule]}), 201
    )
    make_flag(strategies=[{"name": "default", "segments": [made["id"]]}])
    path = f"/api/v1/flags/segments/{made['id']}"

    told = problem(staff.send("PATCH", path, {"constraints": []}, if_match='"1"'))
    assert (told["status"], "lamp" in told["detail"]) == (409, True)
    assert problem(staff.send("DELETE", path))["status"] == 409
    confirmed = {"constraints": [], "confirm": True}
    assert body(staff.send("PATCH", path, confirmed, if_match='"1"'))["version"] == 2


def test_keys_are_shown_once(staff: ApiClient, anonymous: ApiClient) -> None:
    make_flag()
    wanted = {"name": "web", "environment": "production"}
    made = body(staff.send("POST", "/api/v1/flags/keys", wanted), 201)
    listed = staff.read("/api/v1/flags/keys")["items"]

    assert made["key"] not in str(listed)
    assert listed[0]["prefix"] == made["key"][:12]
    ask = "/unleash/api/client/features"
    assert anonymous.send("GET", ask, authorization=made["key"]).status_code == 200
    assert staff.send("DELETE", f"/api/v1/flags/keys/{made['id']}").status_code == 204
    assert anonymous.send("GET", ask, authorization=made["key"]).status_code == 401
    wanted["environment"] = "nowhere"
    assert staff.send("POST", "/api/v1/flags/keys", wanted).status_code == 404


def test_an_answer_is_explained(staff: ApiClient) -> None:  # FLG 35
    flag = make_flag(allowed={"email": ["alice@x.example"]}, strategies=[share("0")])
    asked = {"context": {"email": "alice@x.example"}}

    found = body(staff.send("POST", f"{BASE}/{flag.pk}/explain", asked))

    assert (found["enabled"], found["reason"]) == (True, "TARGETING_MATCH")
    assert {"step": "person is allowed by name", "holds": True, "detail": ""} in found["steps"]


CALLS = [
    ("GET", BASE), ("POST", BASE), ("GET", "/api/v1/flags/changes"),
    ("GET", "/api/v1/flags/segments"), ("GET", "/api/v1/flags/keys"),
    ("GET", "/api/v1/flags/environments"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_people_manage_no_flags(
    api: ApiClient, anonymous: ApiClient, method: str, path: str
) -> None:
    assert api.send(method, path, {} if method == "POST" else None).status_code == 403
    assert anonymous.send(method, path, {} if method == "POST" else None).status_code == 401


def test_who_may_kill_need_not_manage(user: User) -> None:  # FLG 19
    flag = make_flag()
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="kill"))
    client = signed_in(user)
    path = rules_path(flag.pk)

    assert client.send("POST", f"{path}/kill", {}).status_code == 200
    assert client.send("PATCH", path, {"enabled": True}, if_match='"3"').status_code == 403


def test_lists_cost_the_same_for_one_or_twenty(
    staff: ApiClient, django_assert_num_queries: Callable[[int], Any]
) -> None:
    for number in range(20):
        make_flag(f"flag {number}")
    for path in (BASE, "/api/v1/flags/changes"):
        staff.read(f"{path}?cursor=")
        with django_assert_num_queries(1):
            assert len(staff.read(f"{path}?cursor=")["items"]) == 20
    assert [each["name"] for each in staff.read(f"{BASE}?name=flag 3")["items"]] == ["flag 3"]
    assert staff.read(f"{BASE}?archived=true")["total"] == 0
