"""Firebase Cloud Messaging, HTTP v1: Android, and what else Firebase reaches.

    fcm:///etc/tenantry/service-account.json

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import jwt

from core.outbound import client
from notifications.push.models import PushDevice
from notifications.push.pushes import Outcome, Push, Result, as_json, fitted, seconds
from notifications.push.transports.addresses import base_of, split

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_MESSAGE = 4000
EARLY_S = 60
GONE = {"UNREGISTERED", "SENDER_ID_MISMATCH"}
LATER = {"QUOTA_EXCEEDED", "UNAVAILABLE", "INTERNAL"}


class Fcm:
    kind = PushDevice.Kind.FCM.value
    is_for_urgent_alone = False

    def __init__(self, account: dict[str, Any], *, base: str) -> None:
        self._account, self._base = account, base
        self._url = f"{base}/v1/projects/{quote(account['project_id'], safe='')}/messages:send"
        self._http = httpx2.Client(timeout=client.PATIENCE_S)
        self._lock = threading.Lock()
        self._access: tuple[str, float] = ("", 0.0)

    def send(self, device: PushDevice, push: Push) -> Result:
        body = fitted(push, lambda each: render(device.token, each), MAX_MESSAGE)
        access = self._token()
        headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        answer = client.send(self._http, self._url, content=body, headers=headers)
        if answer.status == 401:
            self._forget(access)
        return result(answer)

    def _token(self) -> str:
        """Return an access token, traded for one that we sign (RFC 7523)."""
        with self._lock:
            token, ends_at = self._access
            if time.time() >= ends_at - EARLY_S:
                token, ends_at = self._access = self._trade()
            return token

    def _trade(self) -> tuple[str, float]:
        now, account = int(time.time()), self._account
        claims = {
            "iss": account["client_email"],
            "scope": SCOPE,
            "aud": account["token_uri"],
            "iat": now,
            "exp": now + 3600,
        }
        signed = jwt.encode(
            claims, account["private_key"], "RS256", {"kid": account.get("private_key_id", "")}
        )
        form = urlencode({"grant_type": GRANT, "assertion": signed}).encode()
        answer = client.send(
            self._http,
            account["token_uri"],
            content=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if answer.status != 200:
            raise client.CallFailedError(f"no access token: {answer.status}")
        given = json.loads(answer.body)
        return given["access_token"], now + int(given["expires_in"])

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._access[0] == token:
                self._access = ("", 0.0)


def render(token: str, push: Push) -> bytes:
    android: dict[str, Any] = {
        "priority": "HIGH" if push.is_urgent else "NORMAL",
        "ttl": f"{push.seconds_to_live}s",
        "notification": {"tag": str(push.notification_id)},
    }
    if push.is_group:
        android["collapse_key"] = push.notification_id.hex
    message = {
        "token": token,
        "notification": {"title": push.title, "body": push.body},
        "data": {
            "id": str(push.notification_id),
            "url": push.url,
            "type": push.type,
            "unread_count": str(push.unread_count),
        },
        "android": android,
    }
    return as_json({"message": message})


def result(answer: client.Answer) -> Result:
    if answer.status == 200:
        return Result(Outcome.SENT)
    code = _code(answer.body)
    detail = f"{answer.status} {code}".strip()
    if code in GONE:
        return Result(Outcome.GONE, detail)
    if code in LATER or answer.status in {401, 429, 500, 502, 503, 504}:
        return Result(Outcome.LATER, detail, seconds(answer.headers.get("retry-after")))
    return Result(Outcome.REFUSED, detail)


def _code(body: bytes) -> str:
    """Return FCM's own word for an error, else that of Google's APIs."""
    try:
        error = json.loads(body)["error"]
        own = [detail["errorCode"] for detail in error.get("details", []) if "errorCode" in detail]
        return str(own[0] if own else error.get("status", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def from_url(url: str) -> Fcm:
    """Raises OSError, ValueError and KeyError for what is no service account."""
    parts = split(url)
    account = json.loads(Path(parts.path).read_text())
    missing = {"project_id", "client_email", "private_key", "token_uri"} - account.keys()
    if missing:
        raise ValueError(f"{parts.path} has no {', '.join(sorted(missing))}")
    return Fcm(account, base=base_of(parts, "https://fcm.googleapis.com"))
