"""Constant statements that are used again and again: the server parses and plans them once.

Planning a statement with several sub-selects takes longer than running it. psycopg prepares what a
connection has asked a few times; `DATABASE_PREPARES=0` turns that off for connection poolers that
hand transactions from one server connection to another without knowing of prepared statements.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection

T = TypeVar("T")


def select(statement: str, make: Callable[[Sequence[Any]], T], **arguments: Any) -> list[T]:
    """Return what `make` makes of each row. jsonb comes as text."""
    with connection.binding_cursor() as cursor:  # type: ignore[attr-defined]  # our backend
        cursor.execute(statement, arguments)
        return [make(row) for row in cursor.fetchall()]


def execute(statement: str, **arguments: Any) -> None:
    with connection.binding_cursor() as cursor:  # type: ignore[attr-defined]  # our backend
        cursor.execute(statement, arguments)
