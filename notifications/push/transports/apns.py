"""Apple's push service, over HTTP/2, with a token that we sign.

    apns://<team id>:<key id>@api.push.apple.com/<topic>?key=/etc/tenantry/AuthKey.p8

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from core.outbound import client
from notifications.push.models import PushDevice
from notifications.push.pushes import Outcome, Push, Result, as_json, fitted, seconds
from notifications.push.transports.addresses import base_of, query_of, split

MAX_PAYLOAD = 4096
RENEWED_S = 40 * 60
"""A token older than an hour is refused, and so is who makes one more often than every 20 min."""
GONE = {"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"}
OLD_TOKEN = {"ExpiredProviderToken", "InvalidProviderToken"}
LATER = {429, 500, 502, 503, 504}


class Apns:
    kind = PushDevice.Kind.APNS.value
    is_for_urgent_alone = False

    def __init__(
        self, *, team_id: str, key_id: str, topic: str, key: ec.EllipticCurvePrivateKey, base: str,
        verify: Any = True,
    ) -> None:  # fmt: skip
        self._team_id, self._key_id, self._topic, self._key = team_id, key_id, topic, key
        self._base = base
        # One connection carries everything, as Apple asks for.
        self._http = httpx2.Client(http2=True, timeout=client.PATIENCE_S, verify=verify)
        self._lock = threading.Lock()
        self._token: tuple[str, float] = ("", 0.0)

    def send(self, device: PushDevice, push: Push) -> Result:
        url = f"{self._base}/3/device/{quote(device.token, safe='')}"
        body = fitted(push, render, MAX_PAYLOAD)
        answer = client.send(self._http, url, content=body, headers=self._headers(push))
        if _reason(answer.body) in OLD_TOKEN:
            self._token = ("", 0.0)
        return result(answer)

    def close(self) -> None:
        self._http.close()

    def _headers(self, push: Push) -> dict[str, str]:
        headers = {
            "authorization": f"bearer {self._signed()}",
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10" if push.is_urgent else "5",
            "apns-expiration": str(int(time.time()) + push.seconds_to_live),
            "content-type": "application/json",
        }
        collapse = {"apns-collapse-id": str(push.notification_id)} if push.is_group else {}
        return headers | collapse

    def _signed(self) -> str:
        with self._lock:
            token, made_at = self._token
            now = time.time()
            if now - made_at > RENEWED_S:
                claims = {"iss": self._team_id, "iat": int(now)}
                token = jwt.encode(claims, self._key, "ES256", {"kid": self._key_id})
                self._token = (token, now)
            return token


def render(push: Push) -> bytes:
    aps: dict[str, Any] = {
        "alert": {"title": push.title, "body": push.body},
        "badge": push.unread_count,
        "sound": "default",
    }
    return as_json(
        {"aps": aps, "id": str(push.notification_id), "url": push.url, "type": push.type}
    )


def result(answer: client.Answer) -> Result:
    if answer.status == 200:
        return Result(Outcome.SENT)
    reason = _reason(answer.body)
    detail = f"{answer.status} {reason}".strip()
    if reason in GONE or answer.status == 410:
        return Result(Outcome.GONE, detail)
    if reason in OLD_TOKEN or answer.status in LATER:
        return Result(Outcome.LATER, detail, seconds(answer.headers.get("retry-after")))
    return Result(Outcome.REFUSED, detail)


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["reason"]) if body else ""
    except (ValueError, KeyError, TypeError):
        return ""


def from_url(url: str) -> Apns:
    """Raises OSError, ValueError and KeyError for what is missing in it."""
    parts = split(url)
    topic = parts.path.strip("/")
    if not (parts.username and parts.password and topic):
        raise ValueError("give team id, key id and topic")
    key = load_pem_private_key(Path(query_of(parts)["key"]).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not one of elliptic curves")
    return Apns(
        team_id=parts.username,
        key_id=parts.password,
        topic=topic,
        key=key,
        base=base_of(parts, f"https://{parts.hostname}"),
    )
