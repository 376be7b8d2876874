"""The log as a file: CSV for a spreadsheet, JSON Lines for a program. Read and sent in batches."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

import orjson
import structlog

from accounts.models import User
from audit.repositories import NEWEST_FIRST, AuditEntryRepository
from audit.serializers import AuditEntrySerializer, acting_user
from core.keyset import SortKey

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell: https://owasp.org/www-community/attacks/CSV_Injection"""
COLUMNS = [
    "id", "created_at", "action", "actor_kind", "actor_id", "actor_name", "target_type",
    "target_id", "before", "after", "ip_address", "request_id",
]  # fmt: skip

Item = Mapping[str, Any]


def parts(
    rows: AuditEntryRepository,
    format: str,
    *,
    keys: Sequence[SortKey] = NEWEST_FIRST,
    count: Callable[[int], None] = lambda number: None,
) -> Iterator[bytes]:
    """Yield the file in parts; `count` is told how many entries each has.

    Every batch is read by itself, so that any thread may ask for the next one.
    """
    columns = AuditEntrySerializer.columns() or ()
    entries, whole = 0, False
    try:
        if format == "csv":
            yield written([COLUMNS])
        for batch in rows.batches(keys, columns=columns, size=BATCH_SIZE):
            entries += len(batch)
            count(len(batch))
            yield WRITERS[format](shown(batch))
        whole = True
    finally:
        log.info("audit.exported", format=format, entries=entries, whole=whole)


def names_of(entries: Iterable[Any]) -> dict[Any, str]:
    """Return the names of those who acted, read in one statement."""
    ids = {found for entry in entries if (found := acting_user(entry))}
    return User.objects.among(ids).full_names() if ids else {}


def shown(batch: Sequence[Any]) -> list[Item]:
    serializer = AuditEntrySerializer(context={"names": names_of(batch)})
    return [serializer.to_representation(entry) for entry in batch]


def as_jsonl(items: Iterable[Item]) -> bytes:
    return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)


def as_csv(items: Iterable[Item]) -> bytes:
    return written([cells(item) for item in items])


def cells(item: Item) -> list[str]:
    actor = item["actor"] or {"user_id": "", "full_name": ""}
    flat = {
        **item,
        "actor_id": actor["user_id"],
        "actor_name": actor["full_name"],
        "before": orjson.dumps(item["before"]).decode(),
        "after": orjson.dumps(item["after"]).decode(),
    }
    return [safe(flat[name] or "") for name in COLUMNS]


def safe(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it and never computes it."""
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """Return the lines as RFC 4180 has them."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


WRITERS: dict[str, Callable[[Iterable[Item]], bytes]] = {"csv": as_csv, "jsonl": as_jsonl}
