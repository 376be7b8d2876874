"""Who we are to push services (RFC 8292): one P-256 key that every subscription is bound to.

Without VAPID_PRIVATE_KEY it is derived from SECRET_KEY (HKDF, RFC 5869), so that it is the same in
every process and after every restart. A new key makes every subscription useless, until its
browser comes by and subscribes anew.
"""

import time
from functools import cache, lru_cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from core.errors import ConfigurationError
from notifications.push import base64url
from notifications.push.encryption import CURVE, point

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LIFETIME_S = 12 * 3600
"""Of a token; 24 hours at most."""
RENEWED_S = 3600


def private_key() -> ec.EllipticCurvePrivateKey:
    """Raises ConfigurationError for a setting that is no key."""
    return _private_key(settings.VAPID_PRIVATE_KEY, settings.SECRET_KEY)


def public_key() -> str:
    """Return what a browser takes as `applicationServerKey`."""
    return base64url.encode(point(private_key().public_key()))


def authorization(endpoint: str) -> str:
    """Return the header that a push service lets us in by."""
    parts = urlsplit(endpoint)
    audience = f"{parts.scheme}://{parts.netloc}"
    token = _token(private_key(), audience, int(time.time()) // RENEWED_S)
    return f"vapid t={token}, k={public_key()}"


@lru_cache(maxsize=256)
def _token(key: ec.EllipticCurvePrivateKey, audience: str, hour: int) -> str:
    claims = {"aud": audience, "exp": hour * RENEWED_S + LIFETIME_S, "sub": _contact()}
    return jwt.encode(claims, key, algorithm="ES256")


def _contact() -> str:
    """Return where a push service finds whoever runs this."""
    if settings.PUBLIC_URL.startswith("https://"):
        return str(settings.PUBLIC_URL)
    address = settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip("> ")
    return f"mailto:{address}"


@cache
def _private_key(given: str, secret: str) -> ec.EllipticCurvePrivateKey:
    if not given:
        kdf = HKDF(hashes.SHA256(), length=48, salt=None, info=b"push service key")
        number = int.from_bytes(kdf.derive(secret.encode()), "big")
        return ec.derive_private_key(number % (ORDER - 1) + 1, CURVE)
    try:
        raw = base64url.decode(given)
        if len(raw) != 32:
            raise ValueError("not 32 bytes")
        return ec.derive_private_key(int.from_bytes(raw, "big"), CURVE)
    except ValueError:
        line = "VAPID_PRIVATE_KEY must be the 32 bytes of a P-256 key in base64url."
        raise ConfigurationError(line) from None
