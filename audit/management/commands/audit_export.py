import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from audit import exports
from audit.models import AuditEntry
from audit.repositories import AuditEntryRepository
from core.management.base import JsonCommand, UsageError
from organizations.models import Organization

STDOUT = "-"
TELL_EVERY = 10_000


class Command(JsonCommand):
    help = "Write the audit log of an organization into a file, the latest entry first."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("organization", metavar="ORGANIZATION", help="its id or its slug")
        parser.add_argument("--format", choices=list(exports.MEDIA_TYPES), default="csv")
        parser.add_argument(
            "--since", metavar="TIME", type=moment, help="a day or a moment, UTC unless it says"
        )
        parser.add_argument(
            "--until", metavar="TIME", type=moment, help="the same; entries before it"
        )
        parser.add_argument("--output", metavar="FILE", default=STDOUT, help="- is standard output")

    def perform(self, **options: Any) -> dict[str, Any] | None:
        if options["json"] and options["output"] == STDOUT:
            raise UsageError("--json tells about a file: name one with --output.")
        entries = self._entries(options)
        self.count = 0
        parts = exports.parts(entries, options["format"], count=self._tell)
        if options["output"] == STDOUT:
            self._print(parts)
            return None
        size_bytes = write(parts, Path(options["output"]))
        return {
            "file": options["output"],
            "format": options["format"],
            "entries": self.count,
            "size_bytes": size_bytes,
        }

    def lines(self, result: Any) -> list[str]:
        return [f"{result['entries']} entries are in {result['file']}."] if result else []

    def handle(self, *args: Any, **options: Any) -> None:
        if options["output"] != STDOUT or options["json"]:
            super().handle(*args, **options)
        else:
            self._result(options)  # it is printed by now

    def _entries(self, options: dict[str, Any]) -> AuditEntryRepository:
        entries = AuditEntry.objects.for_organization(named(options["organization"]).pk)
        if options["since"]:
            entries = entries.since(options["since"])
        return entries.before(options["until"]) if options["until"] else entries

    def _tell(self, number: int) -> None:
        before, self.count = self.count, self.count + number
        if self.count // TELL_EVERY > before // TELL_EVERY:
            self.stderr.write(f"{self.count} entries")

    def _print(self, parts: Iterable[bytes]) -> None:
        try:
            for part in parts:
                self.stdout.write(part.decode(), ending="")
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
            raise CommandError("Whatever read the output has gone.") from None


def named(text: str) -> Organization:
    """Return the organization, deleted ones included. Raises CommandError."""
    found = Organization.objects.by_slug(text) or _by_id(text)
    if found is None:
        raise CommandError(f"No organization has the id or slug {' '.join(text.split())}.")
    return found


def _by_id(text: str) -> Organization | None:
    try:
        return Organization.objects.find(UUID(text))
    except ValueError:
        return None


def moment(text: str) -> datetime:
    """Return what ISO 8601 says, in UTC where it names no zone. Raises ArgumentTypeError."""
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError("takes a day or a moment, as in 2026-11-24T08:00Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def write(parts: Iterable[bytes], file: Path) -> int:
    """Write the file; return its size. One that is there is replaced once the new one is whole."""
    draft = file.with_name(f"{file.name}.part")
    try:
        with opened(draft) as output:
            size_bytes = sum(output.write(part) for part in parts)
        draft.replace(file)
    except OSError as error:
        raise CommandError(f"Can't write {file}: {error.strerror}.") from None
    return size_bytes


@contextmanager
def opened(draft: Path) -> Iterator[BinaryIO]:
    """Open a file that is deleted if what is done with it fails."""
    try:
        with draft.open("wb") as output:
            yield output
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
