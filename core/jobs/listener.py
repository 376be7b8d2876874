"""Hears PostgreSQL say that a job was stored, so that it starts within milliseconds."""

import threading
from collections.abc import Callable, Sequence

import psycopg
import structlog
from django.db import connection
from psycopg import sql

from core.postgres.base import ImpatientConnection

log = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
RETRY_SECONDS = 1.0


class Listener:
    """A connection of its own that listens. Without it jobs are found a little later."""

    def __init__(self, *, queues: Sequence[str] | None, heard: Callable[[], None]) -> None:
        self._channels = (
            [f"procrastinate_queue_v1#{name}" for name in queues]
            if queues
            else ["procrastinate_any_queue_v1"]
        )
        self._heard = heard

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                with self._connect() as listening:
                    self._listen(listening, stopping)
            except psycopg.Error as error:
                log.debug("worker.not_listening", error=str(error))
                stopping.wait(RETRY_SECONDS)

    def _connect(self) -> ImpatientConnection:
        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context"):  # Django's way of reading rows; we read none
            parameters.pop(name, None)
        return ImpatientConnection.connect(**parameters, autocommit=True)

    def _listen(self, listening: ImpatientConnection, stopping: threading.Event) -> None:
        for channel in self._channels:
            listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        self._heard()  # something may have come while nobody listened
        while not stopping.is_set():
            for _ in listening.notifies(timeout=CHECK_SECONDS, stop_after=1):
                self._heard()
            listening.execute("SELECT 1")  # a half-open connection hears nothing and says nothing
