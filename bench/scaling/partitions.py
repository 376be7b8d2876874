"""One large table beside one partitioned by month, on a real PostgreSQL: what stays in memory, what
a row costs the WAL, and what throwing away a month costs.

The tables are made like notifications, with all of its indexes that hold nothing unique: unique
ones can't be had over partitions unless they begin with what the rows are parted by.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

SOURCE = "notifications_notification"
MONTHS, MONTH_MS = 6, 30 * 86_400_000
FIRST_MS = 1_735_689_600_000
ROWS_A_PERSON = 100
ADDED = 2_000
"""Rows that are written after a checkpoint, each page's first change of which is logged whole."""
BATCH = 1_000
"""As core.pruning deletes."""
PAGE = 8192
PERSON = "('01900000-0000-7000-9000-' || lpad(to_hex((random() * %(people)s)::int), 12, '0'))::uuid"
FILL = f"""
INSERT INTO {{}} (id, user_id, kind, type, title, body, actions, metadata, payload_version,
    actor_ids, dedupe_key, group_key, group_count, is_group_open, is_listed, mail, created_at,
    read_at, seen_at)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
    {PERSON}, 'build.finished', 'info', 'Build ' || n || ' is done', 'It took 4 minutes.',
    '[]', '{{{{"build": 7}}}}', 1, '{{{{}}}}', '', '', 1, false, true, 'none', at, read, read
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n,
    LATERAL (SELECT %(begin)s::bigint + (n * %(step)s::float8)::bigint AS ms) m,
    LATERAL (SELECT to_timestamp(ms / 1000.0) AS at) a,
    LATERAL (SELECT CASE WHEN n %% 5 > 0 THEN at + interval '1 hour' END AS read) r
"""

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Seen:
    """What was measured of one of the two tables."""

    index_bytes: float
    """Of the indexes that new rows go into."""
    row_wal_bytes: float
    touched_pages: float
    """Pages that were logged whole for one of the added rows."""
    expected_pages: float
    """What the sizes of the indexes that begin with a person let expect."""
    prune_seconds: float
    prune_wal_bytes: float
    left_bytes: float
    """What the table holds after the prune, over before."""


def measure(address: str, *, rows: int) -> dict[str, Seen]:
    """Fill both tables, add to them, and throw their oldest month away."""
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("SET statement_timeout = 0")
        found = {}
        for name, months in (("one table", 1), ("by month", MONTHS)):
            table = "bench_parted" if months > 1 else "bench_plain"
            make(database, table, months)
            fill(database, table, rows)
            found[name] = see(database, table, rows, is_parted=months > 1)
            database.execute(f"DROP TABLE {table}")
    return found


def make(database: Connection, table: str, months: int) -> None:
    is_parted = months > 1
    parted = "PARTITION BY RANGE (id)" if is_parted else ""
    database.execute(f"CREATE TABLE {table} (LIKE {SOURCE} INCLUDING DEFAULTS) {parted}")
    database.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
    ask = "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE '%%UNIQUE%%'"
    for number, (found,) in enumerate(database.execute(ask, [SOURCE]).fetchall()):
        named = re.sub(r"INDEX \S+ ON \S+", f"INDEX {table}_i{number} ON {table}", str(found))
        database.execute(sql.SQL(named))
    for month in range(months if is_parted else 0):
        low, high = edge(month), edge(month + 1 if month < months - 1 else 2 * months)
        database.execute(
            f"CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES FROM ('{low}')"
            f" TO ('{high}')"
        )


def edge(month: int) -> str:
    """Return the least UUIDv7 of a month."""
    stamp = f"{FIRST_MS + month * MONTH_MS:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-0000-0000-000000000000"


def fill(database: Connection, table: str, rows: int) -> None:
    add(database, table, first=0, last=rows - 1, rows=rows)
    database.execute(f"VACUUM ANALYZE {table}")


def add(database: Connection, table: str, *, first: int, last: int, rows: int) -> None:
    step = MONTHS * MONTH_MS / rows
    fields = {"people": rows // ROWS_A_PERSON, "first": first, "last": last, "begin": FIRST_MS}
    database.execute(FILL.format(table), fields | {"step": step})


def see(database: Connection, table: str, rows: int, *, is_parted: bool) -> Seen:
    newest = f"{table}_{MONTHS - 1}" if is_parted else table
    index_bytes = number(database, f"SELECT pg_indexes_size('{newest}')")
    expected = sum(touched(leaves, ADDED) for leaves in scattered(database, newest)) / ADDED
    database.execute("CHECKPOINT")
    with logged(database) as added:
        for start in range(rows, rows + ADDED, 20):
            add(database, table, first=start, last=start + 19, rows=rows)
    size = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
        f" WHERE relkind = 'r' AND relname ~ '^{table}(_[0-9])?$'"
    )
    before = number(database, size)
    database.execute("CHECKPOINT")
    began = time.perf_counter()
    with logged(database) as pruned:
        if is_parted:
            database.execute(f"DROP TABLE {table}_0")
        else:
            prune(database, table)
    return Seen(
        index_bytes=index_bytes,
        row_wal_bytes=added["bytes"] / ADDED,
        touched_pages=added["pages"] / ADDED,
        expected_pages=expected,
        prune_seconds=time.perf_counter() - began,
        prune_wal_bytes=pruned["bytes"],
        left_bytes=number(database, size) / before,
    )


def prune(database: Connection, table: str) -> None:
    """Delete the oldest month as core.pruning does, and let its room be used again."""
    gone = (
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < '{edge(1)}'"
        f" ORDER BY id LIMIT {BATCH})"
    )
    while database.execute(gone).rowcount:
        pass
    database.execute(f"VACUUM {table}")


@contextmanager
def logged(database: Connection) -> Iterator[dict[str, float]]:
    """Note how much WAL was written meanwhile, and how many pages whole."""
    found: dict[str, float] = {}
    before = wal(database)
    yield found
    for key, value in wal(database).items():
        found[key] = value - before[key]


def wal(database: Connection) -> dict[str, float]:
    database.execute("SELECT pg_stat_force_next_flush()")
    (row,) = database.execute("SELECT wal_bytes, wal_fpi FROM pg_stat_wal").fetchall()
    return {"bytes": float(str(row[0])), "pages": float(str(row[1]))}


def scattered(database: Connection, table: str) -> list[float]:
    """Return the pages of each index that begins with a person: rows of all go everywhere in it."""
    ask = (
        "SELECT c.relpages FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
        f" WHERE i.indrelid = '{table}'::regclass AND pg_get_indexdef(c.oid, 1, true) = 'user_id'"
        " AND c.relpages > 1"
    )
    return [float(str(pages)) for (pages,) in database.execute(ask).fetchall()]


def number(database: Connection, statement: str) -> float:
    (row,) = database.execute(statement).fetchall()
    return float(str(row[0]))


def touched(leaves: float, added: float) -> float:
    """Return how many of an index's leaves so many rows of random people change: a known answer."""
    missed: float = (1 - 1 / max(leaves, 1.0)) ** added
    return leaves * (1 - missed)
