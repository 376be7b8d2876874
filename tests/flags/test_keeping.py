"""The file that outlives the stores."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import flags
from core import health
from flags import freshness, keeping, snapshots
from flags.documents import Snapshot, snapshot


@pytest.fixture
def path(tmp_path: Path, settings: Any) -> Path:
    settings.FLAGS_SNAPSHOT = str(tmp_path / "kept" / "flags.json")
    return Path(settings.FLAGS_SNAPSHOT)


def numbered(version: int, environment: str = "production") -> Snapshot:
    flag = {"name": "lamp", "enabled": True, "description": f"of {version}"}
    return snapshot(environment, {"version": version, "flags": [flag]})


def test_what_is_kept_comes_back(path: Path) -> None:
    keeping.keep(numbered(7))
    found = keeping.load("production")

    assert found is not None
    assert (found.version, found.is_stale) == (7, True)
    assert found.rules.is_enabled("lamp", {})
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["flags.json"]


def test_an_older_one_never_replaces_a_newer_one(path: Path) -> None:
    for version in (7, 6, 7):
        keeping.keep(numbered(version))

    assert keeping.load("production").version == 7  # type: ignore[union-attr]
    for version in (7, 6, 8, 7):
        snapshots.put(numbered(version))
    assert snapshots.version("production") == 8


def test_what_the_database_says_replaces_what_the_file_said(path: Path) -> None:
    keeping.keep(numbered(7))
    stale = keeping.load("production")
    assert stale is not None
    snapshots.put(stale)

    assert snapshots.version("production") == -1  # so that it is read again
    assert snapshots.put(numbered(7))
    assert snapshots.version("production") == 7


def test_what_the_file_said_is_marked_as_stale(path: Path) -> None:  # FLG 21
    keeping.keep(numbered(7))
    stale = keeping.load("production")
    assert stale is not None
    assert not flags.is_stale()

    snapshots.put(stale)
    assert flags.is_stale()
    assert flags.is_enabled("lamp")
    assert asyncio.run(freshness.flags_are_fresh()) is False
    snapshots.put(numbered(7))
    assert not flags.is_stale()
    assert asyncio.run(freshness.flags_are_fresh()) is True
    assert health.OPTIONAL["flags"] is freshness.flags_are_fresh


def test_environments_have_files_of_their_own(path: Path) -> None:
    keeping.keep(numbered(7))
    keeping.keep(numbered(3, "../other"))

    assert keeping.load("production").version == 7  # type: ignore[union-attr]
    assert keeping.load("../other").version == 3  # type: ignore[union-attr]
    assert {each.parent for each in path.parent.iterdir()} == {path.parent}
    assert keeping.load("nowhere") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": 2}', b'{"format": 1, "environment": "production"}'],
)
def test_a_file_that_can_not_be_read_is_none(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    assert keeping.load("production") is None
    keeping.keep(numbered(7))
    assert keeping.load("production").version == 7  # type: ignore[union-attr]


def test_a_place_that_can_not_be_written_is_no_reason_to_fail(
    tmp_path: Path, settings: Any
) -> None:
    (tmp_path / "file").touch()
    settings.FLAGS_SNAPSHOT = str(tmp_path / "file" / "flags.json")

    keeping.keep(numbered(7))

    assert keeping.load("production") is None
