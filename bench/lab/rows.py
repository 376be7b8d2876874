"""Fills tables by the hundred thousand, and signs people in to ask about them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

PERSON = "('01900000-0000-7000-9000-' || lpad(to_hex({number}), 12, '0'))::uuid"
"""The id of person `number`, in SQL."""
PEOPLE = f"""
INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, email_verified_at,
    full_name, language, time_zone, is_active, is_staff, is_superuser, password)
SELECT {PERSON.format(number="n")}, now() - interval '1 year', now(), mail, mail, now(),
    (ARRAY['Ada', 'Grace', 'Uma', 'Sam', 'Lin'])[1 + n %% 5] || ' Nr' || n, 'en', 'UTC', true,
    false, false, 'hash'
FROM generate_series(%(first)s, %(last)s) n, LATERAL (SELECT 'p' || n || '@example.com' AS mail) m
"""
MEMBERS = f"""
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at)
SELECT gen_random_uuid(), now(), now(), %(organization)s, {PERSON.format(number="n")},
    CASE WHEN n %% 4 = 0 THEN 'admin' ELSE 'member' END, 'active',
    now() - n * interval '37.000123 seconds'
FROM generate_series(%(first)s, %(last)s) n
"""


def person(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-9000-{number:012x}")


def execute(statement: str, **values: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return int(cursor.rowcount)


@contextmanager
def filling(*tables: str, rebuilds: bool = False) -> Iterator[None]:
    """Insert without triggers and time-outs; afterwards tell the planner what is there.

    `rebuilds`: the indexes of the tables are dropped meanwhile, and made as they were. Constraints
    are not: their indexes are filled row by row.
    """
    from django.db import connection

    connection.ensure_patience()  # type: ignore[attr-defined]  # our backend
    execute("SET session_replication_role = replica")
    execute("SET synchronous_commit = on")  # else VACUUM can't tell yet that all may see the rows
    indexes = _drop_indexes(tables) if rebuilds else []
    yield
    execute("SET maintenance_work_mem = '1GB'")
    for statement in indexes:
        execute(statement)
    for table in tables:
        execute(f"VACUUM (ANALYZE) {table}")
    connection.close()  # the next one has the time-outs of every day


def _drop_indexes(tables: tuple[str, ...]) -> list[str]:
    """Return the statements that make them again."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique",
            [list(tables)],
        )
        found = cursor.fetchall()
    for name, _ in found:
        execute(f"DROP INDEX {name}")
    return [statement for _, statement in found]


def bytes_of(table: str) -> tuple[int, int]:
    """Return what the rows of a table take on disk, and what its indexes do."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
        rows, indexes = cursor.fetchone()
    return int(rows), int(indexes)


def account(name: str, *, is_staff: bool = False) -> Any:
    from django.utils import timezone

    from accounts.models import User

    address = f"{name}@example.com"
    return User.objects.add(
        email=address, email_normalized=address, email_verified_at=timezone.now(),
        full_name=name.title(), is_staff=is_staff, is_superuser=is_staff,
    )  # fmt: skip


def organization(owner: Any, name: str) -> Any:
    from django.utils import timezone

    from organizations.services import lifecycle

    return lifecycle.create_for(owner=owner, actor_id=None, name=name, now=timezone.now())


class Api:
    """A person who asks, in this process: the whole chain of middleware and views, no socket."""

    def __init__(self, user: Any) -> None:
        from django.test import Client
        from django.utils import timezone

        from accounts.services import sessions

        now = timezone.now()
        pair = sessions.start_session(user=user, device="bench", ip_address="127.0.0.1", now=now)
        self.client = Client(headers={"Authorization": f"Bearer {pair.access}"})

    def read(self, path: str) -> Any:
        return self._told(self.client.get(f"/api/v1{path}"))

    def send(self, method: str, path: str, body: Any = None) -> Any:
        content = json.dumps({} if body is None else body)
        kind = "application/json"
        return self._told(self.client.generic(method, f"/api/v1{path}", content, content_type=kind))

    def cursor_of_page(self, path: str, page: int, *, size: int = 20) -> str:
        """Walk to a page of `size`; return what leads to it, empty for the first one."""
        cursor, passed, joint = "", (page - 1) * size, "&" if "?" in path else "?"
        while passed > 0:
            step = min(100, passed)
            cursor = self.read(f"{path}{joint}page_size={step}&cursor={cursor}")["next_cursor"]
            passed -= step
        return cursor

    def _told(self, answer: Any) -> Any:
        assert 200 <= answer.status_code < 300, (answer.status_code, answer.content[:2000])
        return json.loads(answer.content) if answer.content else None
