"""What goes over the wire: one JSON object a text frame, encoded once however many read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from core.api.serializers import rfc3339


def event(*, id: UUID, channel: str, offset: int, event: str, data: Any, at: datetime) -> str:
    frame = {
        "type": "event",
        "id": str(id),
        "channel": channel,
        "offset": offset,
        "event": event,
        "data": data,
        "at": rfc3339(at),
    }
    return orjson.dumps(frame).decode()
