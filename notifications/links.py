"""Where an action of a notification may lead: http, https, or a path of our own site."""

import re
from urllib.parse import urlsplit

MAX_URL = 2048
# Browsers drop tabs and line breaks from within an address and blanks and controls around it, and
# read "\" as "/" (https://url.spec.whatwg.org/#url-parsing): what looks like a path of ours could
# be an address elsewhere. So none of these may stand in one at all.
NEVER = re.compile(r"[\x00-\x1f\x7f\\]")
ABSOLUTE = re.compile(r"https?://[^/?#]", re.IGNORECASE)
NO_HOST = re.compile(r"[\s<>^|`{}\"]")


def is_allowed(url: str) -> bool:
    if len(url) > MAX_URL or NEVER.search(url) or url != url.strip():
        return False
    if url.startswith("/"):
        return not url.startswith("//")
    return ABSOLUTE.match(url) is not None and _has_host(url)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # brackets that are no IPv6 address, or a port that is none
        return False
    return bool(host) and NO_HOST.search(parts.netloc) is None
