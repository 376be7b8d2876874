"""Jobs as they go into the table and as they come out of it."""

import dataclasses
from datetime import datetime
from typing import Any

from procrastinate.types import JSONDict


@dataclasses.dataclass(frozen=True, slots=True)
class NewJob:
    name: str
    queue: str
    arguments: JSONDict
    priority: int = 0
    lock: str | None = None
    queueing_lock: str | None = None
    schedule_at: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StoredJob:
    id: int
    name: str
    queue: str
    status: str
    arguments: dict[str, Any]
    attempts: int
    """Attempts that have ended; the running one is not among them."""
    scheduled_at: datetime | None
    worker_id: int | None
    lock: str | None = None
    """Known of claimed jobs alone."""
    deaths: int | None = None
    """Workers that died under it; None when nothing is known to have gone wrong with it."""


@dataclasses.dataclass(frozen=True, slots=True)
class FinishedJob:
    id: int
    status: str
    created_at: datetime
    finished_at: datetime | None
    """None while it has not ended."""
