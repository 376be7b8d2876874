"""The browser's side of Web Push: it makes the keys, and reads what was sent to it."""

import hashlib
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifications import tasks
from notifications.models import PushDelivery
from notifications.push import base64url
from tests.client import ApiClient
from tests.mails import queued
from tests.recorder import Recorded, Recorder

DEVICES = "/api/v1/notifications/push-devices"


class Subscription:
    """As a browser has it after `pushManager.subscribe()`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._auth = hashlib.sha256(endpoint.encode()).digest()[:16]
        self.point = self._private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    def body(self) -> dict[str, Any]:
        keys = {"p256dh": base64url.encode(self.point), "auth": base64url.encode(self._auth)}
        return {"kind": "web", "endpoint": self.endpoint, "keys": keys}

    def read(self, request: Recorded) -> dict[str, Any]:
        """Decrypt a message (RFC 8188, RFC 8291) as the browser does."""
        assert request.headers["content-encoding"] == "aes128gcm"
        raw = request.body
        assert len(raw) <= 4096
        salt, size, key_length = raw[:16], int.from_bytes(raw[16:20], "big"), raw[20]
        assert (size, key_length) == (4096, 65)
        sender, sealed = raw[21:86], raw[86:]
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._private.exchange(ec.ECDH(), public)
        secret = _derive(shared, self._auth, b"WebPush: info\0" + self.point + sender, 32)
        key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None)
        assert plain[-1:] == b"\x02"
        found: dict[str, Any] = orjson.loads(plain[:-1])
        return found


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def vapid_claims(request: Recorded, audience: str) -> dict[str, Any]:
    """Check a request's signature by the key that it names, and return what it claims."""
    scheme, _, fields = request.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    token, key = (field.partition("=")[2] for field in fields.split(", "))
    point = base64url.decode(key)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return dict(jwt.decode(token, public, algorithms=["ES256"], audience=audience))


def subscribe(api: ApiClient, recorder: Recorder, name: str = "a") -> Subscription:
    """Register a browser whose push service is the recorder."""
    made = Subscription(f"{recorder.base}/push/{name}")
    answer = api.send("POST", DEVICES, made.body())
    assert answer.status_code in {200, 201}, answer.content
    return made


def deliver() -> None:
    """Run every push job that is there, whenever it is due."""
    for arguments in queued(tasks.push_notification.name):
        tasks.push_notification(**arguments)


def states() -> list[str]:
    rows = PushDelivery.objects.order_by("created_at", "id")
    return list(rows.values_list("state", flat=True))
