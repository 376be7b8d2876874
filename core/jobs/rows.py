"""Plain SQL on Django's connection, and so within the caller's transaction.

Prepared: what stores, claims and ends jobs is asked again and again, and planned once.
"""

from typing import Any

from django.db import connection


def execute(statement: str, **arguments: Any) -> int:
    with connection.binding_cursor() as cursor:  # type: ignore[attr-defined]  # our backend
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)


def changed(statement: str, **arguments: Any) -> bool:
    return execute(statement, **arguments) == 1


def select(statement: str, **arguments: Any) -> list[dict[str, Any]]:
    with connection.binding_cursor() as cursor:  # type: ignore[attr-defined]  # our backend
        cursor.execute(statement, arguments)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
