"""Telling people things, and what their inbox says afterwards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from notifications.messages import Message
from notifications.models import Notification
from notifications.services import sending
from tests.client import ApiClient

PATH = "/api/v1/notifications"
COUNT = f"{PATH}/unread-count"


def tell(
    user: User, title: str = "Hello", *, kind: str = "build.finished", at: datetime | None = None,
    **fields: Any,
) -> Notification:  # fmt: skip
    ids = tell_all([user], title, kind=kind, at=at, **fields)
    return Notification.objects.by_id(ids[0])


def tell_all(
    users: Sequence[User], title: str = "Hello", *, kind: str = "build.finished",
    at: datetime | None = None, **fields: Any,
) -> tuple[UUID, ...]:  # fmt: skip
    message = Message(kind, title=title, **fields)
    ids = [user.pk for user in users]
    return sending.notify(message, user_ids=ids, now=at or timezone.now())


def titles(api: ApiClient, query: str = "") -> list[str]:
    return [item["title"] for item in api.read(f"{PATH}{query}")["items"]]


def unread(api: ApiClient, query: str = "") -> int:
    return int(api.read(f"{COUNT}{query}")["count"])


def patch(api: ApiClient, row: Notification, **fields: Any) -> Any:
    response = api.send("PATCH", f"{PATH}/{row.pk}", fields)
    assert response.status_code == 200, response.content
    return response.json()
