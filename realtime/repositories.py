"""Every query on streams and their messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import orjson
from django.apps import apps
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest

from core.jobs.rows import execute, select
from core.postgres import prepared
from core.repositories import Repository

if TYPE_CHECKING:
    from realtime.models import Stream, StreamMessage


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream has come."""

    epoch: str
    offset: int
    trimmed: int
    """Up to here nothing can be replayed."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it was committed."""

    id: UUID
    stream: str
    epoch: str
    offset: int
    event: str
    data: Any
    sender_id: UUID | None
    at: datetime


PART = 5_000
"""Messages that one statement writes, so that none meets its time-out."""
SAY = """
INSERT INTO realtime_streammessage (id, stream, event, data, sender_id, at)
SELECT * FROM unnest(%(ids)s::uuid[], %(streams)s::text[], %(events)s::text[], %(data)s::jsonb[],
  %(senders)s::uuid[], %(moments)s::timestamptz[])
"""
COMMITTED = """
SELECT m.id, m.stream, s.epoch, m."offset", m.event, m.data, m.sender_id, m.at
FROM realtime_streammessage m JOIN realtime_stream s ON s.name = m.stream
WHERE m.id = ANY(%(ids)s) ORDER BY m.stream, m."offset"
"""


DELETE_OLDEST = """
WITH oldest AS MATERIALIZED (
  SELECT stream, max("offset") AS upto FROM (
    SELECT stream, "offset" FROM realtime_streammessage
    WHERE at < %(than)s AND "offset" IS NOT NULL ORDER BY at LIMIT %(limit)s
  ) found GROUP BY stream
)
DELETE FROM realtime_streammessage m USING oldest
WHERE m.stream = oldest.stream AND m."offset" <= oldest.upto
RETURNING m.stream, m."offset"
"""
MARK_TRIMMED = """
UPDATE realtime_stream s SET trimmed_offset = greatest(s.trimmed_offset, gone."offset")
FROM (
  SELECT s.name, gone."offset" FROM realtime_stream s
  JOIN unnest(%(names)s::text[], %(offsets)s::bigint[]) gone (name, "offset") ON gone.name = s.name
  ORDER BY s.name FOR NO KEY UPDATE OF s
) gone
WHERE s.name = gone.name
"""


def _said_of(row: Sequence[Any]) -> Said:
    message_id, stream, epoch, offset, event, data, sender_id, at = row
    return Said(message_id, stream, epoch, offset, event, orjson.loads(data), sender_id, at)


def _messages() -> QuerySet[Any]:
    return apps.get_model("realtime", "StreamMessage")._default_manager.all()


def _streams() -> QuerySet[Any]:
    return apps.get_model("realtime", "Stream")._default_manager.all()


class StreamRepository(Repository["Stream"]):
    def positions(self, names: Iterable[str]) -> dict[str, Position]:
        """Return where these streams are; one on which nothing was said yet is left out."""
        columns = self.named(names).values_list("name", "epoch", "last_offset", "trimmed_offset")
        return {name: Position(epoch, *offsets) for name, epoch, *offsets in columns}

    def named(self, names: Iterable[str]) -> Self:
        return self.filter(name__in=list(names))

    def begin(self, names: Iterable[str]) -> None:
        """Make the streams that are not there yet, so that they have an epoch to tell."""
        self.bulk_create((self.model(name=name) for name in names), ignore_conflicts=True)

    def longer_than(self, kept: int) -> list[str]:
        """Return the streams that have more messages than these."""
        rows = self.filter(last_offset__gt=F("trimmed_offset") + kept)
        return list(rows.order_by("name").values_list("name", flat=True))

    def unneeded_upto(self, name: str, *, before: datetime, kept: int) -> int:
        """Return the offset up to which all is older than a moment, leaving the newest `kept`."""
        rows = _messages().filter(stream=name, offset__isnull=False).order_by("offset")
        young = rows.filter(at__gte=before).values_list("offset", flat=True).first()
        last = self.positions([name])[name].offset
        return min(last - kept, last if young is None else young - 1)

    def count_upto(self, name: str, offset: int) -> int:
        return _messages().filter(stream=name, offset__lte=offset).count()

    @transaction.atomic
    def trim(self, name: str, upto: int, limit: int) -> int:
        """Delete some messages from the beginning of a stream, up to an offset.

        The stream itself is marked last: whoever says something on it waits for its row, and that
        only from here to the commit.
        """
        rows = _messages().filter(stream=name, offset__lte=upto).order_by("offset")
        offsets = list(rows.values_list("offset", flat=True)[:limit])
        if offsets:
            _messages().filter(stream=name, offset__lte=offsets[-1]).delete()
            mark = Greatest("trimmed_offset", offsets[-1])
            self.filter(name=name).update(trimmed_offset=mark)
        return len(offsets)

    @transaction.atomic
    def trim_older(self, than: datetime, limit: int) -> int:
        """Delete some of the oldest messages of all streams, and what lies before them on theirs.

        Marked as `trim` does, one stream after the other in the order in which commits take them.
        """
        gone: dict[str, int] = {}
        deleted = select(DELETE_OLDEST, than=than, limit=limit)
        for row in deleted:
            gone[row["stream"]] = max(row["offset"], gone.get(row["stream"], 0))
        execute(MARK_TRIMMED, names=list(gone), offsets=list(gone.values()))
        return len(deleted)


class StreamMessageRepository(Repository["StreamMessage"]):
    def older_than(self, moment: datetime) -> int:
        return self.filter(at__lt=moment, offset__isnull=False).count()

    def say(self, messages: Sequence["StreamMessage"]) -> None:
        """Write these messages, all or none: where they are not many in one statement, which
        commits by itself outside a transaction.

        Without the ORM, whose transaction takes two more trips to the server than that.
        """
        if len(messages) <= PART:
            self._write(messages)
            return
        with transaction.atomic():
            for start in range(0, len(messages), PART):
                self._write(messages[start : start + PART])

    def _write(self, messages: Sequence["StreamMessage"]) -> None:
        prepared.execute(
            SAY,
            ids=[each.pk for each in messages],
            streams=[each.stream for each in messages],
            events=[each.event for each in messages],
            data=[orjson.dumps(each.data).decode() for each in messages],
            senders=[each.sender_id for each in messages],
            moments=[each.at for each in messages],
        )

    def committed(self, ids: Iterable[UUID]) -> list[Said]:
        """Return these messages, each with its epoch and offset, by stream and in order.

        Without the ORM, which took half of the time of saying something.
        """
        return prepared.select(COMMITTED, _said_of, ids=list(ids))

    def on_any(self, streams: Iterable[str]) -> Self:
        return self.filter(stream__in=list(streams))

    def on(self, stream: str, *, after: int, most: int) -> list[Said]:
        """Return what was said on a stream behind an offset, the first ones of it, in order."""
        rows = self.filter(stream=stream, offset__gt=after).order_by("offset")
        return rows[:most]._said()

    def _said(self) -> list[Said]:
        epoch = Subquery(_streams().filter(name=OuterRef("stream")).values("epoch"))
        columns = ("id", "stream", "epoch", "offset", "event", "data", "sender_id", "at")
        return [Said(*row) for row in self.annotate(epoch=epoch).values_list(*columns)]

    def said_since(self, moment: datetime) -> dict[str, int]:
        """Return the streams on which something was said since, each with its latest offset."""
        rows = self.filter(at__gte=moment, offset__isnull=False).order_by("stream", "-offset")
        latest = rows.distinct("stream").values_list("stream", "offset")
        return {stream: offset for stream, offset in latest if offset is not None}
