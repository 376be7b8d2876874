"""The services that reach phones: what they get, byte for byte, and what their answers mean."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from core.errors import ConfigurationError
from notifications.models import PushDevice
from notifications.push import devices, transports
from notifications.push.pushes import Outcome, Push
from notifications.push.transports import apns, fcm, sms
from tests.client import ApiClient
from tests.notifications.push.browsers import DEVICES, deliver, states
from tests.notifications.told import tell
from tests.recorder import Recorder, recording

NOW = 1_790_000_000
ID = UUID("01a22430-9837-7624-8461-bc75895f9446")
PUSH = Push(ID, "Größe", 'In 4 "minutes"', "/builds/7", "info", 3)
URGENT = Push(ID, "Now", "", "https://example.com/x", "error", 1, is_urgent=True, is_group=True)
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def service() -> Iterator[Recorder]:
    with recording() as running:
        yield running


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def device(kind: str, token: str) -> PushDevice:
    return PushDevice(kind=kind, token=token)


@pytest.fixture
def fcm_url(tmp_path: Path, service: Recorder) -> str:
    account = {
        "project_id": "lamps-1",
        "client_email": "push@lamps-1.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": pem(RSA).decode(),
        "token_uri": f"{service.base}/token",
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    return f"fcm://{path}?at={service.base}"


@pytest.fixture
def apns_url(tmp_path: Path, service: Recorder) -> str:
    path = tmp_path / "AuthKey.p8"
    path.write_bytes(pem(EC))
    return f"apns://TEAM1:KEY1@api.push.apple.com/com.example.app?key={path}&at={service.base}"


@pytest.fixture
def sms_url(service: Recorder) -> str:
    return f"twilio://AC1:se%2Fcret@api.twilio.com/+15550001111?at={service.base}"


def grants(service: Recorder, token: str = "access-1", seconds: int = 3599) -> None:
    body = json.dumps({"access_token": token, "expires_in": seconds, "token_type": "Bearer"})
    service.says("200 OK", body.encode())


def raw(service: Recorder, index: int = -1) -> bytes:
    """Return a request without what names the port, and the program."""
    host = f"Host: 127.0.0.1:{service.port}\r\n".encode()
    lines = service.requests[index].raw.replace(host, b"").split(b"\r\n")
    dull = (b"Accept", b"Connection", b"User-Agent")
    return b"\r\n".join(line for line in lines if not line.startswith(dull))


# -- FCM -------------------------------------------------------------------------------------------
def test_fcm_gets_its_own_words(service: Recorder, fcm_url: str) -> None:
    grants(service)
    service.says("200 OK", b'{"name": "projects/lamps-1/messages/1"}')
    body = (
        '{"message":{"token":"phone:1",'
        '"notification":{"title":"Größe","body":"In 4 \\"minutes\\""},'
        '"data":{"id":"01a22430-9837-7624-8461-bc75895f9446","url":"/builds/7","type":"info",'
        '"unread_count":"3"},"android":{"priority":"NORMAL","ttl":"86400s","notification":'
        '{"tag":"01a22430-9837-7624-8461-bc75895f9446"}}}}'
    ).encode()

    result = fcm.from_url(fcm_url).send(device("fcm", "phone:1"), PUSH)

    assert result.outcome == Outcome.SENT
    assert raw(service) == (
        b"POST /v1/projects/lamps-1/messages:send HTTP/1.1\r\n"
        b"Authorization: Bearer access-1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


def test_an_access_token_is_traded_for_one_of_ours_and_kept(
    service: Recorder, fcm_url: str
) -> None:
    grants(service)
    made = fcm.from_url(fcm_url)
    for _ in range(2):
        service.says("200 OK", b"{}")
        made.send(device("fcm", "t"), PUSH)

    trade, first, second = service.requests
    form = parse_qs(trade.body.decode())
    assert trade.head == "POST /token HTTP/1.1"
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    (assertion,) = form["assertion"]
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    claims = jwt.decode(
        assertion, RSA.public_key(), algorithms=["RS256"], audience=f"{service.base}/token"
    )
    assert claims == {
        "iss": "push@lamps-1.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": f"{service.base}/token",
        "iat": NOW,
        "exp": NOW + 3600,
    }
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer access-1"


def test_a_token_that_runs_out_or_is_refused_is_traded_anew(
    service: Recorder, fcm_url: str
) -> None:
    made = fcm.from_url(fcm_url)
    grants(service, "first", seconds=90)
    service.says("200 OK", b"{}")
    made.send(device("fcm", "t"), PUSH)
    grants(service, "second")
    service.says("401 Unauthorized", b'{"error": {"status": "UNAUTHENTICATED"}}')
    with time_machine.travel(NOW + 60, tick=False):
        assert made.send(device("fcm", "t"), PUSH).outcome == Outcome.LATER
        grants(service, "third")
        service.says("200 OK", b"{}")
        assert made.send(device("fcm", "t"), PUSH).outcome == Outcome.SENT

    sent = [r for r in service.requests if "/token" not in r.head]
    assert [r.headers["authorization"][7:] for r in sent] == ["first", "second", "third"]


def test_what_is_urgent_and_grouped_says_so_to_fcm() -> None:
    android = json.loads(fcm.render("t", URGENT))["message"]["android"]

    assert (android["priority"], android["collapse_key"]) == ("HIGH", ID.hex)


def fcm_error(status: str, code: str) -> bytes:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": kind, "errorCode": code}]
    return json.dumps({"error": {"code": 0, "status": status, "details": details}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        ("404 Not Found", fcm_error("NOT_FOUND", "UNREGISTERED"), "gone"),
        ("403 Forbidden", fcm_error("PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "gone"),
        ("429 Too Many", fcm_error("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "later"),
        ("503 Unavailable", fcm_error("UNAVAILABLE", "UNAVAILABLE"), "later"),
        ("500 Internal", b"<html>", "later"),
        ("400 Bad Request", fcm_error("INVALID_ARGUMENT", "INVALID_ARGUMENT"), "refused"),
        ("404 Not Found", b'{"error": {"status": "NOT_FOUND"}}', "refused"),
        ("400 Bad Request", b"[]", "refused"),
    ],
)
def test_what_fcm_answers(
    service: Recorder, fcm_url: str, status: str, body: bytes, outcome: str
) -> None:
    grants(service)
    service.says(status, body, Retry_After="30")

    result = fcm.from_url(fcm_url).send(device("fcm", "t"), PUSH)

    assert result.outcome == outcome
    assert result.retry_after_s == (30 if outcome == "later" else None)


# -- APNs ------------------------------------------------------------------------------------------
def test_apns_gets_its_own_words(service: Recorder, apns_url: str) -> None:
    service.says("200 OK")
    body = (
        '{"aps":{"alert":{"title":"Größe","body":"In 4 \\"minutes\\""},"badge":3,'
        '"sound":"default"},"id":"01a22430-9837-7624-8461-bc75895f9446","url":"/builds/7",'
        '"type":"info"}'
    ).encode()

    result = apns.from_url(apns_url).send(device("apns", "00aaff"), PUSH)

    assert result.outcome == Outcome.SENT
    token = service.requests[0].headers["authorization"].partition(" ")[2]
    assert raw(service) == (
        b"POST /3/device/00aaff HTTP/1.1\r\nauthorization: bearer %s\r\n"
        b"apns-topic: com.example.app\r\napns-push-type: alert\r\napns-priority: 5\r\n"
        b"apns-expiration: %d\r\ncontent-type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (token.encode(), NOW + 86_400, len(body), body)
    )
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": "KEY1"}
    claims = jwt.decode(token, EC.public_key(), algorithms=["ES256"])
    assert claims == {"iss": "TEAM1", "iat": NOW}


def test_apns_hears_of_urgency_and_groups(service: Recorder, apns_url: str) -> None:
    service.says("200 OK")

    apns.from_url(apns_url).send(device("apns", "00aaff"), URGENT)

    headers = service.requests[0].headers
    assert (headers["apns-priority"], headers["apns-collapse-id"]) == ("10", str(ID))


def test_a_token_for_apple_is_made_anew_in_time(service: Recorder, apns_url: str) -> None:
    made = apns.from_url(apns_url)
    for minutes in (0, 39, 41):
        service.says("200 OK")
        with time_machine.travel(NOW + minutes * 60, tick=False):
            made.send(device("apns", "a"), PUSH)

    tokens = [r.headers["authorization"] for r in service.requests]
    assert tokens[0] == tokens[1] != tokens[2]


@pytest.mark.parametrize(
    ("status", "reason", "outcome"),
    [
        ("410 Gone", "Unregistered", "gone"),
        ("400 Bad Request", "BadDeviceToken", "gone"),
        ("400 Bad Request", "DeviceTokenNotForTopic", "gone"),
        ("403 Forbidden", "ExpiredProviderToken", "later"),
        ("429 Too Many Requests", "TooManyRequests", "later"),
        ("503 Service Unavailable", "Shutdown", "later"),
        ("413 Payload Too Large", "PayloadTooLarge", "refused"),
        ("403 Forbidden", "BadCertificateEnvironment", "refused"),
    ],
)
def test_what_apns_answers(
    service: Recorder, apns_url: str, status: str, reason: str, outcome: str
) -> None:
    service.says(status, json.dumps({"reason": reason}).encode())

    assert apns.from_url(apns_url).send(device("apns", "a"), PUSH).outcome == outcome


# -- Text messages ---------------------------------------------------------------------------------
def test_a_text_message_is_a_form(service: Recorder, sms_url: str, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://app.example.com"
    service.says("201 Created", b'{"sid": "SM1"}')
    body = (
        b"To=%2B15552223333&From=%2B15550001111&Body=Gr%C3%B6%C3%9Fe.+In+4+%22minutes%22+"
        b"https%3A%2F%2Fapp.example.com%2Fbuilds%2F7"
    )

    result = sms.from_url(sms_url).send(device("sms", "+15552223333"), PUSH)

    assert result.outcome == Outcome.SENT
    assert raw(service) == (
        b"POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\n"
        b"Authorization: Basic QUMxOnNlL2NyZXQ=\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


def test_a_messaging_service_may_send_and_a_long_text_is_cut(service: Recorder) -> None:
    long = Push(ID, "x" * 200, "y" * 4000, "https://example.com/", "info", 1)
    url = f"twilio://AC1:secret@api.twilio.com/MG1?at={service.base}"

    sms.from_url(url).send(device("sms", "+1"), long)

    form = parse_qs(service.requests[0].body.decode())
    assert form["MessagingServiceSid"] == ["MG1"]
    assert len(form["Body"][0]) == sms.MAX_TEXT
    assert form["Body"][0].endswith("… https://example.com/")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("400 Bad Request", 21211, "gone"),
        ("400 Bad Request", 21610, "gone"),
        ("429 Too Many Requests", 20429, "later"),
        ("500 Internal Server Error", 0, "later"),
        ("401 Unauthorized", 20003, "refused"),
    ],
)
def test_what_twilio_answers(
    service: Recorder, sms_url: str, status: str, code: int, outcome: str
) -> None:
    service.says(status, json.dumps({"code": code, "message": "x"}).encode())

    assert sms.from_url(sms_url).send(device("sms", "+1"), PUSH).outcome == outcome


# -- All of them -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "pigeon://x", "x", "fcm:///nowhere.json", "apns://TEAM:KEY@host/topic",
        "apns://host/topic?key=/x", "apns://TEAM:KEY@host/topic?key=/nowhere",
        "twilio://AC@api.twilio.com/+1", "twilio://[x",
    ],
)  # fmt: skip
def test_an_entry_that_can_not_work_stops_the_process(settings: LazySettings, url: str) -> None:
    settings.PUSH_URLS = [url]

    with pytest.raises(ConfigurationError, match="PUSH_URLS"):
        transports.ways()


def test_a_phone_is_registered_reached_and_ended(
    api: ApiClient, user: User, service: Recorder, fcm_url: str, settings: LazySettings
) -> None:
    assert api.send("POST", DEVICES, {"kind": "fcm", "token": "phone:1"}).status_code == 400
    settings.PUSH_URLS = [fcm_url]
    assert api.send("POST", DEVICES, {"kind": "fcm", "token": "phone:1"}).status_code == 201
    assert api.read("/api/v1/notifications/push-key")["kinds"] == ["web", "fcm"]
    grants(service)
    service.says("200 OK", b"{}")
    tell(user, "One")
    deliver()
    service.says("404 Not Found", fcm_error("NOT_FOUND", "UNREGISTERED"))
    tell(user, "Two")
    deliver()

    assert states() == ["sent", "failed"]
    assert PushDevice.objects.get().end_reason == "gone"


def test_texts_are_sent_of_what_is_urgent_alone(
    user: User, service: Recorder, sms_url: str, settings: LazySettings
) -> None:
    settings.PUSH_URLS = [sms_url]
    number = devices.Address("sms", "+15552223333")
    devices.register(number, user_id=user.pk, session_id=None, now=timezone.now())
    tell(user, "Not urgent")
    tell(user, "", kind="account.password_changed")

    deliver()

    assert len(service.requests) == 1
    assert b"password" in service.requests[0].body


def test_a_projects_own_way_is_used(
    user: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own:
        kind = "sms"
        is_for_urgent_alone = False
        send: Callable[..., Any]

    monkeypatch.setattr(transports, "_added", {})
    own = Own()
    transports.register(own)

    assert transports.find("sms") is own
    assert transports.find("fcm") is None
