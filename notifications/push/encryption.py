"""Web Push encryption (RFC 8291): the push service carries what only the browser can read."""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
RECORD_SIZE = 4096
OVERHEAD = 16 + 4 + 1 + 65 + 1 + 16
"""Salt, record size, length of the key, key; the mark of the last record, and the tag."""
MAX_PLAINTEXT = RECORD_SIZE - OVERHEAD
"""A push service has to carry 4 096 bytes, and need not carry more (RFC 8030, 7.2)."""


def encrypt(
    plaintext: bytes,
    *,
    browser_key: bytes,
    auth: bytes,
    private: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return a body in `aes128gcm` (RFC 8188): one record. Raises ValueError for no such key."""
    own = private or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(16)
    public = point(own.public_key())
    shared = own.exchange(ec.ECDH(), public_key(browser_key))
    info = b"WebPush: info\0" + browser_key + public
    secret = _hkdf(shared, salt=auth, info=info, length=32)
    key = _hkdf(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _hkdf(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    sealed = AESGCM(key).encrypt(nonce, plaintext + b"\x02", None)
    header = salt + RECORD_SIZE.to_bytes(4, "big") + bytes([len(public)]) + public
    return header + sealed


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """Read an uncompressed point of the curve. Raises ValueError."""
    if len(raw) != 65:
        raise ValueError("not an uncompressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)
