"""The names under which one request is found again in logs, jobs and answers."""

import re
from uuid import uuid4

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_id(given: str) -> str:
    """Return the caller's X-Request-ID where it is sound, and one of ours otherwise."""
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def trace_id(traceparent: str) -> str:
    """Return the trace of a W3C traceparent (version 00), or begin one."""
    found = TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else uuid4().hex
