"""Saying something on a channel, from wherever our code runs.

What is said is written in the caller's transaction and said if and when that commits, in the order
of the commits. Subscribers of every process are told right after the commit; should the process
die before that, or Redis be away, they are told within seconds by a look at what was written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils import timezone

from core.redis import StoreUnavailableError
from realtime import channels, delivery
from realtime.models import StreamMessage

log = structlog.get_logger(__name__)

MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say: `event` is its name, `data` what JSON can hold."""

    channel: str
    event: str
    data: Any
    sender_id: UUID | None = None
    """The user who says it; None: the server does."""


def send_all(messages: Sequence[Message]) -> tuple[UUID, ...]:
    """Say several things, all or none of them; return their ids.

    Raises ValueError for a channel that no app has registered, and for more than 64 KiB of data.
    """
    now = timezone.now()
    rows = [
        StreamMessage(
            stream=channels.stream_of(message.channel),
            event=message.event,
            data=_checked(message.data),
            sender_id=message.sender_id,
            at=now,
        )
        for message in messages
    ]
    StreamMessage.objects.say(rows)
    ids = tuple(row.pk for row in rows)
    transaction.on_commit(lambda: tell(ids))
    return ids


def _checked(data: Any) -> Any:
    if len(orjson.dumps(data)) > MOST_BYTES:
        raise ValueError(f"A message holds up to {MOST_BYTES // 1024} KiB of data")
    return data


def send(channel: str, event: str, data: Any) -> UUID:
    """Say one thing on a channel, e.g. `organization:<id>`, `user:<id>` or `system`."""
    return send_all([Message(channel, event, data)])[0]


async def asend(channel: str, event: str, data: Any) -> UUID:
    """Do as `send` does, from a coroutine; in a transaction of its own."""
    return await sync_to_async(send)(channel, event, data)


def tell(ids: Iterable[UUID]) -> None:
    """Push committed messages to every process that has somebody who listens."""
    try:
        delivery.push(StreamMessage.objects.committed(ids))
    except StoreUnavailableError:
        log.info("realtime.push_late")  # each process looks for what it was not told
