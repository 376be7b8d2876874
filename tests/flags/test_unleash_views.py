"""Unleash's client API, as its SDKs call it."""

from typing import Any

import orjson
import pytest
from django.utils import timezone

from flags import snapshots, usage
from flags.engine import unleash
from flags.imports import unleash as unleash_file
from flags.models import FlagUsage
from flags.services import definitions, keys, segments
from organizations.models import Organization
from tests.client import ApiClient
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share

FEATURES = "/unleash/api/client/features"


def with_key(client: ApiClient, **options: Any) -> ApiClient:
    _, secret, _ = keys.create(name="k", environment="production", author=AUTHOR, **options)
    client.defaults["HTTP_AUTHORIZATION"] = secret
    return client


@pytest.fixture
def sdk(anonymous: ApiClient) -> ApiClient:
    return with_key(anonymous)


def test_rules_with_a_tag(sdk: ApiClient) -> None:
    make_flag(strategies=[share("50")], variants=[{"name": "red", "weight": 1}])
    first = sdk.send("GET", FEATURES, unleash_appname="web")

    served = orjson.loads(first.content)
    assert served["version"] == 2
    flag = unleash.ruleset(served).flag("lamp")
    assert flag is not None
    assert (flag.enabled, len(flag.strategies), len(flag.variants)) == (True, 1, 1)
    assert sdk.send("GET", FEATURES, if_none_match=first["ETag"]).status_code == 304
    change_rules(enabled=False)
    snapshots.refresh("production")
    assert sdk.send("GET", FEATURES, if_none_match=first["ETag"]).status_code == 200


DELTA = "/unleash/api/client/delta"


def delta(client: ApiClient, tag: str = "") -> tuple[list[Any], str]:
    answer = client.send("GET", DELTA, **({"if_none_match": tag} if tag else {}))
    assert answer.status_code == 200
    return orjson.loads(answer.content)["events"], answer["ETag"]


def test_what_changed_since(sdk: ApiClient) -> None:
    for name in ("lamp", "old", "same"):
        make_flag(name)
    ((whole,), tag) = delta(sdk)
    assert whole["type"] == "hydration"
    assert [each["name"] for each in whole["features"]] == ["lamp", "old", "same"]
    assert sdk.send("GET", DELTA, if_none_match=tag).status_code == 304

    made = segments.create(name="s", constraints=[], author=AUTHOR, now=timezone.now())
    change_rules(strategies=[{"name": "default", "segments": [made.pk]}])
    definitions.archive(name="old", author=AUTHOR, now=timezone.now())
    snapshots.refresh("production")
    events, after = delta(sdk, tag)

    assert [each["type"] for each in events] == [
        "segment-updated", "feature-updated", "feature-removed",
    ]  # fmt: skip
    assert events[1]["feature"]["name"] == "lamp"
    assert {each["eventId"] for each in events} == {snapshots.version("production")}
    served = sdk.read(FEATURES)
    before = {"events": [whole, *events]}
    assert unleash_file.read(before).flags == unleash_file.read(served).flags
    assert delta(sdk, '"0:unknown"')[0][0]["type"] == "hydration"
    assert delta(sdk, tag)[1] == after


def test_nobody_gets_the_difference_to_anothers_state(
    anonymous: ApiClient, acme: Organization
) -> None:
    make_flag("hidden")
    _, tag = delta(with_key(anonymous))
    events, _ = delta(with_key(anonymous, organization_id=acme.pk), tag)

    assert [each["type"] for each in events] == ["hydration"]
    assert events[0]["features"] == []


def test_a_key_reads_its_environment_alone(anonymous: ApiClient) -> None:
    make_flag()
    _, secret, _ = keys.create(name="k", environment="staging", author=AUTHOR)
    served = anonymous.read(FEATURES, authorization=secret)

    assert [each["enabled"] for each in served["features"]] == [False]


def test_without_a_key(anonymous: ApiClient) -> None:
    for path in (FEATURES, "/unleash/api/frontend"):
        assert anonymous.send("GET", path).status_code == 401
        assert anonymous.send("GET", path, authorization="tnf_nothing").status_code == 401


def test_registering_and_counting(sdk: ApiClient) -> None:
    make_flag()
    client = {"appName": "web", "instanceId": "i", "sdkVersion": "x", "strategies": ["default"]}
    assert sdk.send("POST", "/unleash/api/client/register", client).status_code == 202
    toggles = {
        "lamp": {"yes": 3, "no": 2, "variants": {"red": 3}},
        "nothing": {"yes": 1, "no": 0},
        "odd": 5,
    }
    bucket = {"start": "2026-11-01T00:00:00Z", "stop": "2026-11-01T00:01:00Z", "toggles": toggles}

    for _ in range(2):
        path = "/unleash/api/client/metrics"
        assert sdk.send("POST", path, {**client, "bucket": bucket}).status_code == 202
    assert FlagUsage.objects.count() == 0  # off the request's path
    usage.flush()

    found = {(each.flag_name, each.enabled, each.variant): each.count for each in
             FlagUsage.objects.all()}  # fmt: skip
    assert found == {("lamp", True, ""): 6, ("lamp", False, ""): 4, ("lamp", True, "red"): 6}


@pytest.mark.parametrize("body", [[], {}, {"bucket": 1}, {"bucket": {"toggles": {"lamp": 1}}}])
def test_odd_counts_are_taken_for_none(sdk: ApiClient, body: Any) -> None:
    make_flag()

    assert sdk.send("POST", "/unleash/api/client/metrics", body).status_code == 202
    assert usage.take() == {}


def test_browsers_get_answers_and_no_rules(sdk: ApiClient) -> None:  # FLG 27
    payload = {"type": "string", "value": "x"}
    visible = {"is_client_visible": True}
    make_flag(settings=visible, allowed={"plan": ["pro"]}, strategies=[share("0")])
    change_rules(variants=[{"name": "red", "weight": 1, "payload": payload}])
    make_flag("hidden")
    expected = {
        "name": "lamp", "enabled": True, "impressionData": False,
        "variant": {
            "name": "red", "enabled": True, "payload": payload,
            "feature_enabled": True, "featureEnabled": True,
        },
    }  # fmt: skip

    got = sdk.read("/unleash/api/frontend?userId=1&properties[plan]=pro&appName=web")
    assert got == {"toggles": [expected]}
    posted = sdk.send("POST", "/unleash/api/frontend", {"context": {"properties": {"plan": "pro"}}})
    assert orjson.loads(posted.content) == got
    assert sdk.read("/unleash/api/frontend?userId=1") == {"toggles": []}


def test_a_tenants_browsers_are_its_own(anonymous: ApiClient, acme: Organization) -> None:
    make_flag(settings={"is_client_visible": True}, allowed={"organization": [str(acme.pk)]})
    change_rules(strategies=[share("0")])
    client = with_key(anonymous, organization_id=acme.pk)

    found = client.read("/unleash/api/frontend?properties[organization]=another")

    assert [each["name"] for each in found["toggles"]] == ["lamp"]
