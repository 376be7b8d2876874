"""A database that may vanish, hang or come back without taking the process with it.

Three things differ from Django's backend, which waits for ever on a server that accepts bytes and
never answers (a stopped process, a half-open connection):

* no answer within ANSWER_TIMEOUT_SECONDS ends the connection with OperationalError. The server's
  own `statement_timeout` ends slow statements earlier, so only a silent server comes to this;
* a kept connection is checked by looking at its socket, not by a round trip for every request;
* after a failed attempt to connect, further attempts fail at once for RETRY_AFTER_SECONDS, so that
  requests do not queue up behind each other's time-outs.
"""

import select
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base, operations
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg.errors import _WaitTimeout
from psycopg.types.datetime import TimestamptzLoader

from core.postgres import row_security

ANSWER_TIMEOUT_SECONDS = 6.0
RETRY_AFTER_SECONDS = 0.5


class UnansweredError(psycopg.OperationalError):
    """The server has accepted a statement and says nothing."""


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a silent server instead of waiting for ever."""

    answer_timeout_seconds: float | None = ANSWER_TIMEOUT_SECONDS

    def wait(
        self,
        gen: Generator[Any, Any, Any],
        interval: float = 0.5,
        timeout: float | None = None,
    ) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_timeout_seconds)
        except _WaitTimeout:
            self.pgconn.finish()  # its state is unknown: nothing may be sent on it again
            raise UnansweredError("the database server does not answer") from None


class MomentLoader(TimestamptzLoader):
    """Reads `timestamptz` of a connection in UTC at a tenth of the price of psycopg's pattern."""

    timezone = UTC  # Django asks a loader for this before it puts one of its own in its place

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # before the year 1 or after 9999: psycopg tells which
            return super().load(data)


class Gate:
    """Lets attempts to connect fail at once for a moment after one has failed."""

    def __init__(self) -> None:
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        if time.monotonic() < self._closed_until:
            raise psycopg.OperationalError("the database server was away a moment ago")

    def close(self) -> None:
        with self._lock:
            self._closed_until = time.monotonic() + RETRY_AFTER_SECONDS

    def open(self) -> None:
        self._closed_until = 0.0


gates: dict[tuple[str, str], Gate] = {}
"""One gate a server address; a process usually knows one."""


GENERIC_PLANS = "-c plan_cache_mode=force_generic_plan"
"""What is prepared here is planned once (core/postgres/prepared.py). Left alone, PostgreSQL plans a
page anew for each `LIMIT`, because it guesses that one without a number reads a tenth of the table:
1.3 ms of 2.1 for a list of notifications."""


def _with_options(conn_params: dict[str, Any]) -> dict[str, Any]:
    role = row_security.role()
    added = [GENERIC_PLANS, *([f"-c role={role}"] if role is not None else [])]
    return {**conn_params, "options": " ".join([conn_params.get("options", ""), *added])}


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """For DEBUG and for tests. psycopg keeps no text of what it had prepared before."""
        found: str | None = super().last_executed_query(cursor, sql, params)
        return str(sql) if found is None else found


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        address = (str(conn_params.get("host", "")), str(conn_params.get("port", "")))
        gate = gates.setdefault(address, Gate())
        gate.check()
        try:
            connection = ImpatientConnection.connect(**_with_options(conn_params))
        except psycopg.OperationalError:
            gate.close()
            raise
        gate.open()
        connection.add_notice_handler(row_security.tell)
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", MomentLoader)
        return connection

    def is_usable(self) -> bool:
        """Tell whether a kept connection still has a peer, without a round trip.

        An idle connection has nothing to read: if its socket is readable, the server has closed it.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
        return not poll.poll(0)

    def binding_cursor(self) -> Any:
        """Return a cursor that sends arguments beside the statement, as preparing it takes.

        Django's own writes them into the statement, which is then another one each time.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(psycopg.Cursor(self.connection))  # type: ignore[attr-defined]

    def ensure_patience(self) -> None:
        """Lift the time-outs for this thread: migrations and exports take their time."""
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        self.connection.answer_timeout_seconds = None
