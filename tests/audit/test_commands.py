"""`audit_export`: a file whole or none, and one line for what went wrong."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from audit import exports
from core.jobs.rows import execute
from core.management.base import UsageError
from organizations.models import Organization
from tests.audit.entries import entry
from tests.docs.pages import ROOT


def export(*words: str) -> str:
    out = StringIO()
    call_command("audit_export", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_log_is_printed(acme: Organization) -> None:
    text = export("ACME")

    assert text.startswith("id,created_at,action,")
    assert text.count("\r\n") == 2
    assert json.loads(export(str(acme.pk), "--format", "jsonl"))["action"] == "organization.created"


def test_a_log_goes_into_a_file(acme: Organization, tmp_path: Path) -> None:
    file = tmp_path / "acme.jsonl"
    file.write_text("what was there before")

    told = json.loads(export("acme", "--format", "jsonl", "--output", str(file), "--json"))

    assert told == {
        "file": str(file), "format": "jsonl", "entries": 1, "size_bytes": file.stat().st_size,
    }  # fmt: skip
    assert json.loads(file.read_text())["action"] == "organization.created"
    assert export("acme", "--output", str(file)) == f"1 entries are in {file}.\n"
    assert [found.name for found in tmp_path.iterdir()] == ["acme.jsonl"]


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        (["--since", "2026-01-01"], 2),
        (["--since", "2026-01-01", "--until", "2026-01-02T00:00Z"], 1),
        (["--until", "2026-01-01T01:00+01:00"], 0),
    ],
)
def test_between_two_moments(
    acme: Organization, tmp_path: Path, options: list[str], entries: int
) -> None:
    entry(acme.pk, created_at="2026-01-01T00:00:00Z")

    told = json.loads(export("acme", *options, "--output", str(tmp_path / "a.csv"), "--json"))

    assert told["entries"] == entries


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["acme", "--json"], "--json tells about a file"),
        (["acme", "--since", "yesterday"], "--since: takes a day or a moment"),
        (["acme", "--until", "2026-02-31"], "--until: takes a day or a moment"),
        (["acme", "--format", "xml"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_wrong_call_is_told(acme: Organization, words: list[str], line: str) -> None:
    with pytest.raises(UsageError, match=line) as refusal:
        export(*words)

    assert refusal.value.returncode == 2


@pytest.mark.parametrize(
    "name", ["globex", "ac", "01900000-0000-7000-8000-000000000000", "::%0", ""]
)
def test_an_unknown_organization_is_told(acme: Organization, name: str) -> None:
    with pytest.raises(CommandError, match="No organization has the id or slug") as refusal:
        export(name)

    assert refusal.value.returncode == 1


def test_a_file_that_can_not_be_written_is_told(acme: Organization, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Can't write .*: No such file or directory"):
        export("acme", "--output", str(tmp_path / "nowhere" / "acme.csv"))


def test_an_export_that_breaks_off_leaves_no_file(
    acme: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH_SIZE", 1)
    entry(acme.pk)
    file = tmp_path / "acme.csv"
    file.write_text("what was there before")

    def tell(command: Any, number: int) -> None:
        execute("ALTER TABLE audit_auditentry RENAME TO elsewhere")

    monkeypatch.setattr("audit.management.commands.audit_export.Command._tell", tell)

    with pytest.raises(DatabaseError), transaction.atomic():
        export("acme", "--output", str(file))

    assert file.read_text() == "what was there before"
    assert [found.name for found in tmp_path.iterdir()] == ["acme.csv"]


@pytest.mark.server
@pytest.mark.parametrize(("words", "code"), [(["nobody"], 1), (["x", "--since", "x"], 2), ([], 2)])
def test_exit_codes_and_one_line(db: None, words: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_export", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
