"""What is pushed, and what a service says to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from notifications.push.models import PushDevice

HOME = "/console"
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Push:
    notification_id: UUID
    title: str
    body: str
    url: str
    """Where a click leads: a path of ours, or an address elsewhere."""
    type: str
    unread_count: int
    is_urgent: bool = False
    is_group: bool = False
    """It comes again under the same id, and then takes the place of what is shown."""
    seconds_to_live: int = DAY_S


class Outcome(StrEnum):
    SENT = "sent"
    GONE = "gone"
    """The device is no longer there: nothing more is to be sent to it."""
    LATER = "later"
    REFUSED = "refused"
    """It will not be taken, whenever it is tried."""


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    detail: str = ""
    """For logs: what the service said."""
    retry_after_s: int | None = None


class Transport(Protocol):
    """One way to devices. An app adds its own by `transports.register`."""

    kind: str
    """Of the devices that it reaches."""
    is_for_urgent_alone: bool

    def send(self, device: PushDevice, push: Push) -> Result:
        """Raises CallFailedError where there was no answer."""


def fitted(push: Push, render: Callable[[Push], bytes], limit: int) -> bytes:
    """Return it in at most so many bytes: the body is cut, and where that is not enough the
    address too, which then leads to the list.
    """
    made = render(push)
    while len(made) > limit and push.body:
        too_much = len(made) - limit
        keep = max(0, len(push.body) - max(1, too_much // 4) - 1)
        push = replace(push, body=push.body[:keep].rstrip() + "…" if keep else "")
        made = render(push)
    return made if len(made) <= limit else render(replace(push, url=HOME))


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def seconds(text: str | None) -> int | None:
    """Read Retry-After, of which push services use the form in seconds."""
    return int(text) if text and text.isdecimal() and len(text) < 8 else None
