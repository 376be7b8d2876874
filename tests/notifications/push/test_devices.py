"""Registering devices: strictly, safely, and as somebody's own."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.services import sessions
from core import pruning
from core.outbound.addresses import network
from notifications import prunes
from notifications.models import PushDelivery, PushDevice
from notifications.push import base64url, vapid
from notifications.push.devices import MOST
from tests.client import ApiClient, problem
from tests.notifications.push.browsers import DEVICES, Subscription, subscribe
from tests.notifications.told import tell
from tests.recorder import Recorder

PUBLIC = "https://93.184.215.14/push/abc"
KEY = "/api/v1/notifications/push-key"


def pointers(response: Any) -> set[tuple[str, str]]:
    return {(each["pointer"], each["code"]) for each in problem(response)["errors"]}


def test_a_browser_is_registered_once(api: ApiClient) -> None:
    body = Subscription(PUBLIC).body()

    first = api.send("POST", DEVICES, body, User_Agent="Mozilla/5.0 Firefox/133.0")
    second = api.send("POST", DEVICES, body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["device"].startswith("Firefox")
    (listed,) = api.read(DEVICES)["items"]
    assert (listed["kind"], listed["current"], listed["last_used_at"]) == ("web", True, None)
    assert "push/abc" not in str(listed)  # whoever knows it could push
    assert len(api.read(f"{DEVICES}?cursor=")["items"]) == 1


def test_a_strange_body_is_told_where(api: ApiClient) -> None:
    good = Subscription(PUBLIC).body()

    def refused(**changes: Any) -> set[tuple[str, str]]:
        body = {k: v for k, v in {**good, **changes}.items() if v is not None}
        return pointers(api.send("POST", DEVICES, body))

    assert refused(expirationTime=1) == {("/expirationTime", "unknown_field")}
    assert refused(kind="pigeon") == {("/kind", "invalid")}
    assert refused(kind="sms", token="+15551234567") == {("/kind", "invalid")}
    assert refused(endpoint=None) == {("/endpoint", "required")}
    assert refused(keys=None) == {("/keys", "required")}
    assert refused(token="x") == {("/token", "invalid")}
    assert refused(endpoint=7) == {("/endpoint", "invalid")}
    assert refused(endpoint="https://x/" + "a" * 2048) == {("/endpoint", "too_long")}
    assert refused(keys={"p256dh": "x", "auth": "y"}) == {
        ("/keys/p256dh", "invalid"),
        ("/keys/auth", "invalid"),
    }
    assert refused(kind="fcm", endpoint=None, keys=None, token="t") == {("/kind", "invalid")}
    assert not PushDevice.objects.exists()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://93.184.215.14/push", "https://127.0.0.1/push", "https://localhost/", "https://[::1]/",
        "https://169.254.169.254/latest", "https://93.184.215.14:22/", "javascript:alert(1)",
        "https://me@93.184.215.14/", "https://[64:ff9b::a9fe:a9fe]/", "https://0x7f000001/", "x",
    ],
)  # fmt: skip
def test_an_address_that_leads_inside_is_refused(api: ApiClient, endpoint: str) -> None:
    response = api.send("POST", DEVICES, Subscription(endpoint).body())

    assert (response.status_code, problem(response)["code"]) == (422, "url_not_allowed")
    assert not PushDevice.objects.exists()


def test_an_operators_own_network_is_allowed(api: ApiClient, settings: LazySettings) -> None:
    settings.OUTBOUND_ALLOW = [network("10.0.0.0/8")]

    body = Subscription("http://10.1.2.3:443/push").body()
    assert api.send("POST", DEVICES, body).status_code == 201


def test_the_key_is_what_messages_are_signed_with(api: ApiClient) -> None:
    found = api.read(KEY)

    assert found == {"public_key": vapid.public_key(), "kinds": ["web"]}
    assert base64url.decode(found["public_key"])[0] == 4


def test_nobody_registers_or_reads_without_signing_in(anonymous: ApiClient) -> None:
    assert anonymous.send("POST", DEVICES, Subscription(PUBLIC).body()).status_code == 401
    assert anonymous.send("GET", DEVICES).status_code == 401
    assert anonymous.send("GET", KEY).status_code == 401


def test_a_device_can_be_removed_by_its_person_alone(api: ApiClient, stranger: User) -> None:
    device_id = api.send("POST", DEVICES, Subscription(PUBLIC).body()).json()["id"]
    other = ApiClient()
    other.sign_in(stranger)

    assert other.send("DELETE", f"{DEVICES}/{device_id}").status_code == 404
    assert api.send("DELETE", f"{DEVICES}/{uuid4()}").status_code == 404
    assert api.send("DELETE", f"{DEVICES}/{device_id}").status_code == 204
    assert api.send("DELETE", f"{DEVICES}/{device_id}").status_code == 404
    assert api.read(DEVICES)["items"] == []


def test_whoever_uses_a_browser_now_has_it(api: ApiClient, user: User, stranger: User) -> None:
    shared = Subscription(PUBLIC).body()
    api.send("POST", DEVICES, shared)
    other = ApiClient()
    other.sign_in(stranger)

    assert other.send("POST", DEVICES, shared).status_code == 200

    assert api.read(DEVICES)["items"] == []
    assert PushDevice.objects.get().user_id == stranger.pk


def test_a_removed_one_comes_back_by_registering(api: ApiClient) -> None:
    body = Subscription(PUBLIC).body()
    device_id = api.send("POST", DEVICES, body).json()["id"]
    api.send("DELETE", f"{DEVICES}/{device_id}")

    assert api.send("POST", DEVICES, body).json()["id"] == device_id
    assert len(api.read(DEVICES)["items"]) == 1


def test_one_too_many_ends_the_oldest(api: ApiClient) -> None:
    made = [
        api.send("POST", DEVICES, Subscription(f"{PUBLIC}/{n}").body()).json()["id"]
        for n in range(MOST + 1)
    ]

    kept = [item["id"] for item in api.read(f"{DEVICES}?page_size=100")["items"]]
    assert kept == made[:0:-1]
    assert PushDevice.objects.get(pk=made[0]).end_reason == "too many"


def test_signing_out_ends_what_the_session_registered(user: User) -> None:
    api, other = ApiClient(), ApiClient()
    api.sign_in(user)
    other.sign_in(user)
    api.send("POST", DEVICES, Subscription(PUBLIC).body())
    kept = other.send("POST", DEVICES, Subscription(f"{PUBLIC}/2").body()).json()["id"]

    api.send("POST", "/api/v1/auth/logout")

    assert [item["id"] for item in other.read(DEVICES)["items"]] == [kept]
    assert PushDevice.objects.exclude(pk=kept).get().end_reason == "signed out"


def test_ended_ones_and_old_pushes_go(api: ApiClient, user: User, service: Recorder) -> None:
    now = timezone.now()
    subscribe(api, service)
    subscribe(api, service, "b")
    tell(user)
    PushDevice.objects.filter(token__endswith="a").update(ended_at=now - timedelta(days=31))

    assert prunes.prune_devices(now, True) == 1
    prunes.prune_devices(now, False)

    assert PushDevice.objects.get().token.endswith("b")
    assert PushDelivery.objects.count() == 1
    assert prunes.prune_pushes(now + timedelta(days=29), False) == 0
    assert prunes.prune_pushes(now + timedelta(days=31), False) == 1
    assert {"devices that ended", "pushes"} <= pruning._prunes.keys()


def test_they_go_with_the_person_and_with_the_session(
    api: ApiClient, user: User, service: Recorder
) -> None:
    subscribe(api, service)
    tell(user)
    pair = sessions.start_session(user=user, device="x", ip_address="127.0.0.1", now=timezone.now())
    assert pair
    UserSession.objects.of(user).delete()
    assert not PushDevice.objects.exists()

    api.sign_in(user)
    subscribe(api, service)
    user.delete()
    assert not PushDevice.objects.exists()
    assert not PushDelivery.objects.exists()
