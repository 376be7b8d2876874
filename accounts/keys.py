"""The keys that sign tokens: Ed25519, one or several, each named by its RFC 7638 thumbprint.

Ed25519 signs the same claims to the same bytes, so a refresh token can be issued twice and be one.
Of the keys that JWT_PRIVATE_KEY_FILES brings one signs and all verify, which is how keys rotate
without logging anyone out. Without files, one key is derived from SECRET_KEY (HKDF, RFC 5869).
"""

import base64
import hashlib
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts import key_files
from core.errors import ConfigurationError

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 5.0
UNKNOWN_KEY_SECONDS = 1.0
"""Whoever shows a token of an unknown key makes us look at the files, but no more often."""

Seen = list[tuple[Path, int, int]]


@dataclass(frozen=True, eq=False)
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
    """The keys in force, the one that signs first. What breaks in the files is no change."""

    def __init__(self, entries: list[Path], secret: str) -> None:
        self._entries, self._secret = entries, secret
        self._lock = threading.Lock()
        self._checked_at = time.monotonic()
        self._seen = self._look()
        self._keys = self._load(self._seen)

    def current(self) -> tuple[SigningKey, ...]:
        """Return the keys as the files were a few seconds ago."""
        return self._looked_within(RECHECK_SECONDS)

    def latest(self) -> tuple[SigningKey, ...]:
        """Return the keys as the files were a second ago: for a token whose key is unknown."""
        return self._looked_within(UNKNOWN_KEY_SECONDS)

    def _looked_within(self, seconds: float) -> tuple[SigningKey, ...]:
        if self._entries and self._age() > seconds:
            with self._lock:
                if self._age() > seconds:  # no other thread looked while we waited
                    self._refresh()
                    self._checked_at = time.monotonic()
        return self._keys

    def _age(self) -> float:
        return time.monotonic() - self._checked_at

    def _refresh(self) -> None:
        try:
            seen = self._look()
            if seen == self._seen:
                return
            self._keys, self._seen = self._load(seen), seen
        except ConfigurationError as error:
            # Signing goes on with what was good; another secret would be worse than an old key.
            log.error("keys.unusable", error=str(error))
        else:
            log.info("keys.loaded", kids=[key.kid for key in self._keys])

    def _look(self) -> Seen:
        """Return the files, the one that signs first, and what tells that one was changed."""
        return [_state(path) for path in key_files.expand(self._entries, now=datetime.now(UTC))]

    def _load(self, seen: Seen) -> tuple[SigningKey, ...]:
        if not self._entries:
            return (SigningKey.of(_derived(self._secret)),)
        keys = [SigningKey.of(key_files.read(path)) for path, *_ in seen]
        return tuple({key.kid: key for key in keys}.values())  # one key may lie in two files


def _state(path: Path) -> tuple[Path, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise key_files.unreadable(path, error) from None
    return path, found.st_mtime_ns, found.st_size


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
