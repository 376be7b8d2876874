"""An organization's name in addresses."""

import re
import secrets
import unicodedata

MAX_LENGTH = 63
PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_WORDS = """
about abuse account accounts admin administrator api app assets auth billing blog by-slug
console contact dashboard dev docs download email example faq files flags forgot-password ftp
health help home host hostmaster imap info invitation invitations invite invites legal live
localhost login logout mail me media metrics new news noreply notifications null ofrep
organization organizations owner postmaster pricing privacy public register root schema
security service settings signin signout signup smtp staff static status support system
team teams terms test undefined unleash user users webhooks webmaster well-known ws www
"""
RESERVED = frozenset(_WORDS.split())
"""Names that could be taken for a part of the product, or for somebody who speaks for it."""


def complaint(slug: str) -> str | None:
    """Return what is wrong with a slug in lower case; None: nothing."""
    if not PATTERN.fullmatch(slug) or len(slug) > MAX_LENGTH:
        return f"Use up to {MAX_LENGTH} letters a to z, digits and single hyphens between them."
    if slug in RESERVED:
        return "This name is reserved. Choose another one."
    return None


def suggested(name: str, *, otherwise: str = "organization") -> str:
    """Return a slug made from a name, which may be taken or reserved; never an empty one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))
    return words[: MAX_LENGTH - 7].strip("-") or otherwise


def varied(slug: str) -> str:
    """Return the slug with an ending that makes it unlikely to be taken."""
    return f"{slug}-{secrets.token_hex(3)}"
