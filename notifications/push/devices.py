"""Registering devices, and ending them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.errors import FieldProblem, InvalidError
from core.outbound import guard
from notifications.models import PushDevice
from notifications.push import base64url, encryption, transports

MOST = 20
"""Open devices of one person; one more ends the oldest."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device is reached: the token is a subscription's endpoint, a phone's, or a number."""

    kind: str
    token: str
    browser_key: str = ""
    auth: str = ""

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(f"{self.kind}:{self.token}".encode()).digest()


def register(
    address: Address, *, user_id: UUID, session_id: UUID | None, device: str = "", now: datetime
) -> tuple[PushDevice, bool]:
    """Have pushes sent to a device of somebody's from now on; tell also whether it is new.

    One that is known, or was ended, is theirs again: whoever uses a browser now gets what it shows.
    Raises InvalidError, and UrlNotAllowedError.
    """
    _check(address)
    fields = {
        "user_id": user_id,
        "session_id": session_id,
        "kind": address.kind,
        "token": address.token,
        "browser_key": address.browser_key.rstrip("="),
        "auth": address.auth.rstrip("="),
        "device": device,
        "ended_at": None,
        "end_reason": "",
    }
    return _put(address.digest, user_id, fields, now)


@transaction.atomic
def _put(
    digest: bytes, user_id: UUID, fields: Mapping[str, object], now: datetime
) -> tuple[PushDevice, bool]:
    User.objects.locked().by_id(user_id)  # so that two at once count right
    made, is_new = PushDevice.objects.put(digest, fields)
    mine = PushDevice.objects.of(user_id).open()
    too_many = [pk for pk in mine.beyond_the_newest(MOST) if pk != made.pk]
    end_all(too_many, reason="too many", now=now)
    return made, is_new


def _check(address: Address) -> None:
    if address.kind == PushDevice.Kind.WEB:
        _check_keys(address.browser_key, address.auth)
        guard.check(address.token)
    elif transports.find(address.kind) is None:
        detail = f"Devices of the kind {address.kind} can't be reached from here."
        raise InvalidError(FieldProblem("/kind", "invalid", detail))


def _check_keys(browser_key: str, auth: str) -> None:
    problems = []
    try:
        encryption.public_key(base64url.decode(browser_key))
    except ValueError:
        detail = "Give an uncompressed P-256 point of 65 bytes in base64url."
        problems.append(FieldProblem("/keys/p256dh", "invalid", detail))
    try:
        is_secret = len(base64url.decode(auth)) == 16
    except ValueError:
        is_secret = False
    if not is_secret:
        problems.append(FieldProblem("/keys/auth", "invalid", "Give 16 bytes in base64url."))
    if problems:
        raise InvalidError(*problems)


@transaction.atomic
def end(*, device_id: UUID, reason: str, now: datetime, user_id: UUID | None = None) -> None:
    """Send nothing more to it. With a person, theirs alone is found. Raises NotFoundError."""
    rows = PushDevice.objects.open() if user_id is None else PushDevice.objects.of(user_id).open()
    found = rows.locked().by_id(device_id)
    end_all([found.pk], reason=reason, now=now)


def end_all(device_ids: Iterable[UUID], *, reason: str, now: datetime) -> None:
    PushDevice.objects.among(device_ids).end_all(reason=reason, now=now)


def end_of_sessions(*, session_ids: Iterable[UUID], now: datetime) -> None:
    PushDevice.objects.of_sessions(session_ids).end_all(reason="signed out", now=now)
