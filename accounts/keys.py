"""The keys that sign tokens: Ed25519, one or several, each named by its RFC 7638 thumbprint.

Ed25519 signs the same claims to the same bytes, so a refresh token can be issued twice and be one.
The first file of JWT_PRIVATE_KEY_FILES signs and all verify, which is how keys rotate without
logging anyone out. Without files, one key is derived from SECRET_KEY (HKDF, RFC 5869).
"""

import base64
import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from core.errors import ConfigurationError

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 5.0


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    jwk: dict[str, str]

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        raw = private.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        members = {"crv": "Ed25519", "kty": "OKP", "x": x}
        digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
        kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return cls(kid, private, {**members, "kid": kid, "alg": "EdDSA", "use": "sig"})


class KeyRing:
    """The keys in force. Files are looked at again every few seconds; a broken one is no change."""

    def __init__(self, files: list[Path], secret: str) -> None:
        self._files, self._secret = files, secret
        self._lock = threading.Lock()
        self._seen = self._fingerprint()
        self._keys = self._load()
        self._checked_at = time.monotonic()

    def current(self) -> tuple[SigningKey, ...]:
        if self._files and time.monotonic() - self._checked_at > RECHECK_SECONDS:
            self._reload()
        return self._keys

    def _reload(self) -> None:
        with self._lock:
            self._checked_at = time.monotonic()
            seen = self._fingerprint()
            if seen == self._seen:
                return
            try:
                self._keys, self._seen = self._load(), seen
            except ConfigurationError as error:
                # Signing goes on with what was good; another secret would be worse than an old key.
                log.error("keys.unusable", error=str(error))
            else:
                log.info("keys.loaded", kids=[key.kid for key in self._keys])

    def _fingerprint(self) -> tuple[object, ...]:
        return tuple(_state(path) for path in self._files)

    def _load(self) -> tuple[SigningKey, ...]:
        if not self._files:
            return (SigningKey.of(_derived(self._secret)),)
        return tuple(SigningKey.of(_read(path)) for path in self._files)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"JWT_PRIVATE_KEY_FILES: {path} can't be read as an unencrypted PEM key."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"JWT_PRIVATE_KEY_FILES: {path} is not an Ed25519 key.")
    return key


def _derived(secret: str) -> Ed25519PrivateKey:
    kdf = HKDF(hashes.SHA256(), length=32, salt=None, info=b"access token signing key")
    return Ed25519PrivateKey.from_private_bytes(kdf.derive(secret.encode()))


_ring: KeyRing | None = None


def ring() -> KeyRing:
    """Return this process's keys. Raises ConfigurationError for a file that is no key."""
    global _ring
    if _ring is None:
        _ring = KeyRing(settings.JWT_PRIVATE_KEY_FILES, settings.SECRET_KEY)
    return _ring


def jwks() -> dict[str, list[dict[str, str]]]:
    """Return the public keys as an RFC 7517 key set."""
    return {"keys": [key.jwk for key in ring().current()]}
