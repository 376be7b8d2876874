"""Passwords: what is accepted, and checks that take the same time with and without an account."""

import unicodedata
from functools import cache

from django.contrib.auth import hashers
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User

MIN_BYTES, MAX_BYTES = 12, 4096


def hashed(raw: str) -> str:
    return hashers.make_password(normalize(raw))


def unusable() -> str:
    """Return what stands in the place of a hash where no password shall fit."""
    return hashers.make_password(None)


def normalize(raw: str) -> str:
    """Return NFKC, so that one password typed on two keyboards is one (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", raw)


def complaints(raw: str, *, email: str = "", full_name: str = "") -> list[str]:
    """Return why this password can't be chosen, as sentences; none when it can."""
    password = normalize(raw)
    size = _size_bytes(password)
    if size < MIN_BYTES:
        return [f"Use at least {MIN_BYTES} characters; a few unrelated words make a good password."]
    if size > MAX_BYTES:
        return [f"Use at most {MAX_BYTES} bytes."]
    try:
        validate_password(password, User(email=email, full_name=full_name))
    except ValidationError as error:
        return list(error.messages)
    return []


def matches(user: User | None, raw: str) -> bool:
    """Tell whether this is the user's password; costs one hash also for nobody or for none set."""
    password = normalize(raw)
    if _size_bytes(password) > MAX_BYTES:
        password = ""  # nobody's, for it is too short to be chosen
    encoded = user.password if user and user.has_usable_password() else _nobodys_password()
    return hashers.check_password(password, encoded) and encoded != _nobodys_password()


def is_outdated(user: User) -> bool:
    """Tell whether the hash was made with weaker parameters than those of today."""
    hasher = hashers.identify_hasher(user.password)
    return hasher.algorithm != hashers.get_hasher().algorithm or hasher.must_update(user.password)


def _size_bytes(password: str) -> int:
    return len(password.encode("utf-8", "surrogatepass"))


@cache
def _nobodys_password() -> str:
    return hashers.make_password("the password of nobody")
