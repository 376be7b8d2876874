"""What readiness asks the database: all of it over one connection, on a thread of its own.

A thread, because psycopg's coroutines take up to ten seconds to be cancelled while the server is
silent; of its own, so that a pool of stuck threads can't hide the answer.
"""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from core.postgres.base import ImpatientConnection

PATIENCE_SECONDS = 0.8
OF_DJANGO = {"context", "cursor_factory", "prepare_threshold"}
"""Parameters of Django's connections that a plain one is better without."""
APPLIED = "SELECT app, name FROM django_migrations"
BEATS = (
    "SELECT coalesce(max(last_heartbeat) > now() - interval '1 minute', false)"
    " FROM procrastinate_workers"
)


@dataclass(frozen=True, slots=True)
class State:
    """What a database that answers says of itself."""

    is_migrated: bool
    worker_beats: bool


_thread = ThreadPoolExecutor(1, "health")
_lock = threading.Lock()
_asking: "Future[State | None] | None" = None


async def state() -> State | None:
    """Return None for a database that is away or silent. Who asks meanwhile shares the answer."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.shield(asyncio.wrap_future(_ask()))
    except TimeoutError:
        return None


def _ask() -> "Future[State | None]":
    global _asking
    with _lock:
        if _asking is None or _asking.done():
            _asking = _thread.submit(_look)
        return _asking


def _look() -> State | None:
    try:
        with ImpatientConnection.connect(**_parameters(), autocommit=True) as connection:
            connection.answer_timeout_seconds = PATIENCE_SECONDS
            missing = known_migrations() - set(_rows(connection, APPLIED))
            return State(not missing, _rows(connection, BEATS) == [(True,)])
    except psycopg.Error:
        return None


def _parameters() -> dict[str, Any]:
    named = connections["default"].get_connection_params()
    return {name: value for name, value in named.items() if name not in OF_DJANGO}


def _rows(connection: ImpatientConnection, query: str) -> list[Any]:
    """Return none of a table that does not exist yet."""
    try:
        return connection.execute(query.encode()).fetchall()
    except psycopg.errors.UndefinedTable:
        return []


@cache
def known_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)
