"""Email addresses: how they are accepted, compared and counted."""

import re

import idna

MAX_LENGTH = 254
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def normalize(address: str) -> str:
    """Return the form that addresses are unique in: trimmed, lower case, IDNA domain.

    Dots and tags stay, because to most providers they tell mailboxes apart. Raises ValueError with
    a sentence for the person when this is no address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ValueError("This is not an email address.")
    normal = f"{local.lower()}@{_ascii_domain(domain)}"
    if len(normal) > MAX_LENGTH:
        raise ValueError(f"An address has at most {MAX_LENGTH} characters.")
    return normal


def _ascii_domain(domain: str) -> str:
    try:
        encoded = idna.encode(domain.rstrip("."), uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("The part behind the @ is not a domain.") from None
    if "." not in encoded:
        raise ValueError("The part behind the @ is not a domain.")
    return encoded


def throttle_key(address: str) -> str:
    """Return what tries are counted by: tags and dots are merged and buy no more tries."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
