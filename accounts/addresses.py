"""Email addresses: how they are accepted, compared and counted."""

import re

import idna

MAX_LENGTH = 254
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def canonical(address: str) -> str:
    """Return the form that is stored and mailed to: the local part as given, the domain in ASCII.

    The domain is encoded once, here, by IDNA 2008 (RFC 5891). Mail libraries still encode by the
    rules of 2003, which lead some names to somebody else's domain: they get nothing left to encode.
    Raises ValueError with a sentence for the person when this is no address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ValueError("This is not an email address.")
    found = f"{local}@{_ascii_domain(domain)}"
    if len(found) > MAX_LENGTH:
        raise ValueError(f"An address has at most {MAX_LENGTH} characters.")
    return found


def normalize(address: str) -> str:
    """Return the form that addresses are unique in: the canonical one in lower case.

    Dots and tags stay, because to most providers they tell mailboxes apart. Raises ValueError.
    """
    return canonical(address).lower()


def masked(address: str) -> str:
    """Return enough to recognize one's own address by, and too little to write to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def throttle_key(address: str) -> str:
    """Return what tries are counted by: tags and dots are merged and buy no more tries.

    What is no address has a key too, for callers who do not tell whether it is one.
    """
    try:
        local, _, domain = normalize(address).rpartition("@")
    except ValueError:
        return address.strip().lower()
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def _ascii_domain(domain: str) -> str:
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("The part behind the @ is not a domain.") from None
    name = encoded.removesuffix(".")  # the root; after encoding, because other dots become this one
    if "." not in name or name.rpartition(".")[2].isdigit():
        raise ValueError("The part behind the @ is not a domain.")
    return name
