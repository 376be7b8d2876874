"""Where what happens now comes from, for whoever writes it down.

Read from what the request's middleware, the admin and the job runner bind for the log, so that a
kept entry and the log lines about it are found by the same request id.
"""

import ipaddress
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from structlog.contextvars import get_contextvars


class Door(Enum):
    REQUEST = "request"
    ADMIN = "admin"
    """A request of the admin site, by an operator."""
    JOB = "job"
    TERMINAL = "terminal"
    """A command or a shell: an operator whom we can't name."""


@dataclass(frozen=True, slots=True)
class Origin:
    door: Door
    request_id: str
    """Of the request, or of the one that deferred the job; empty where there was none."""
    ip_address: str | None
    operator_id: UUID | None
    """The account that is signed in to the admin."""


def current() -> Origin:
    bound = get_contextvars()
    operator_id = bound.get("operator_id")
    return Origin(
        door=_door(bound),
        request_id=str(bound.get("request_id", "")),
        ip_address=_address(str(bound.get("ip_address", ""))),
        operator_id=UUID(operator_id) if operator_id else None,
    )


def _door(bound: dict[str, object]) -> Door:
    by_name = {"job_id": Door.JOB, "operator_id": Door.ADMIN, "ip_address": Door.REQUEST}
    return next((door for name, door in by_name.items() if name in bound), Door.TERMINAL)


def _address(text: str) -> str | None:
    """Return an address as the database takes it; None for a peer that has none (a socket file)."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return None if address.is_unspecified else str(getattr(address, "ipv4_mapped", None) or address)
