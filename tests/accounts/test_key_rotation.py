# ACC 24: keys rotate by command, and nobody is signed out.
# PLT 23: --json, --dry-run, --yes, exit codes 0, 1 and 2, safe twice, under a lock.
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from accounts import key_files, keys
from accounts.models import User
from core import checkup
from core.embedded import locks
from core.errors import ConfigurationError
from core.management.base import UsageError
from tests.accounts.test_keys import new_key
from tests.client import ApiClient, problem

ME = "/api/v1/users/me"
REFRESH = "/api/v1/auth/token/refresh"
JWKS = "/.well-known/jwks.json"
ROTATED_KILLED_HALFWAY = """
import os, pathlib, signal, sys
sys.argv = ["manage.py", "rotate_keys"]
{patch}
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
DIE = "lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)"

Begin = Callable[..., None]


@pytest.fixture
def begin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Let this process begin with these entries, and look at them again before every use."""
    monkeypatch.setattr(keys, "RECHECK_SECONDS", -1.0)

    def restart(*entries: Path) -> None:
        settings.JWT_PRIVATE_KEY_FILES = list(entries)
        monkeypatch.setattr(keys, "_ring", None)

    return restart


@pytest.fixture
def folder(tmp_path: Path, begin: Begin) -> Path:
    """The folder of this process's keys, still empty."""
    made = tmp_path / "keys"
    made.mkdir()
    begin(made)
    return made


def rotate(*arguments: str) -> Any:
    return json.loads(rotate_in_words(*arguments, "--json"))


def rotate_in_words(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def add_key(folder: Path, *, age: timedelta) -> str:
    """Put a key of that age into the folder; return its kid."""
    path = folder / "new.pem"
    path.write_bytes(new_key())
    kid = keys.SigningKey.of(key_files.read(path)).kid
    path.rename(folder / key_files.name_for(kid, now=datetime.now(UTC) - age))
    return kid


def file_of(folder: Path, kid: str) -> Path:
    (found,) = folder.glob(f"*-{kid[:8]}.pem")
    return found


def signing() -> str:
    return keys.ring().current()[0].kid


def known() -> set[str]:
    return {key.kid for key in keys.ring().current()}


def life() -> timedelta:
    return settings.REFRESH_LIFETIME + settings.ACCESS_LIFETIME


HOUR = timedelta(hours=1)


def test_the_first_key_of_an_empty_folder_signs_at_once(folder: Path) -> None:
    made = rotate()

    assert signing() == made["kid"]
    assert made["signs_from"] <= f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_a_key_is_a_file_for_its_owner_alone_and_named_by_its_moment(folder: Path) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False):
        kid = rotate()["kid"]

    (path,) = folder.glob("*.pem")
    assert path.name == f"20261123T080000Z-{kid[:8]}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert load_pem_private_key(path.read_bytes(), None)


def test_a_new_key_verifies_at_once_and_signs_ten_minutes_later(folder: Path) -> None:
    old = add_key(folder, age=HOUR)

    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        new = rotate()["kid"]
        assert (signing(), known()) == (old, {old, new})

        clock.shift(key_files.ACTIVATION - timedelta(seconds=1))
        assert signing() == old
        clock.shift(timedelta(seconds=1))
        assert (signing(), known()) == (new, {old, new})


def test_of_keys_that_are_all_too_young_the_oldest_signs(folder: Path) -> None:
    kids = [add_key(folder, age=timedelta(minutes=age)) for age in (1, 9, 4)]

    assert signing() == kids[1]


def test_of_keys_that_are_old_enough_the_newest_signs(folder: Path) -> None:
    kids = [add_key(folder, age=timedelta(minutes=age)) for age in (90, 11, 60, 5)]

    assert signing() == kids[1]


def test_a_name_that_tells_no_moment_is_older_than_all(folder: Path) -> None:
    (folder / "by-hand.pem").write_bytes(new_key())
    by_hand = signing()
    new = add_key(folder, age=timedelta(minutes=5))
    assert signing() == by_hand

    add_key(folder, age=timedelta(minutes=11))

    assert signing() not in {by_hand, new}
    assert {by_hand, new} < known()


def test_nobody_is_signed_out_by_a_rotation(folder: Path, user: User) -> None:
    client = ApiClient()
    old = add_key(folder, age=HOUR)
    pair = client.sign_in(user)

    new = add_key(folder, age=key_files.ACTIVATION)

    client.read(ME)
    assert {key["kid"] for key in client.read(JWKS)["keys"]} == {old, new}
    refreshed = client.send("POST", REFRESH, {"refresh": pair.refresh}).json()
    file_of(folder, old).unlink()
    assert problem(client.send("GET", ME))["code"] == "token_invalid"
    client.read(ME, Authorization=f"Bearer {refreshed['access']}")


def test_a_token_of_a_key_that_is_not_known_yet_makes_the_process_look(
    folder: Path, user: User, monkeypatch: pytest.MonkeyPatch, begin: Begin
) -> None:
    add_key(folder, age=HOUR)
    here = keys.ring()
    monkeypatch.setattr(keys, "RECHECK_SECONDS", 3600.0)
    add_key(folder, age=timedelta(minutes=11))
    begin(folder)  # as another process that sees the newer key
    client = ApiClient()
    client.sign_in(user)
    monkeypatch.setattr(keys, "_ring", here)
    monkeypatch.setattr(keys, "RECHECK_SECONDS", 3600.0)

    monkeypatch.setattr(keys, "UNKNOWN_KEY_SECONDS", 3600.0)
    assert problem(client.send("GET", ME))["code"] == "token_invalid"  # it looked just now
    monkeypatch.setattr(keys, "UNKNOWN_KEY_SECONDS", -1.0)
    client.read(ME)


def test_a_second_rotation_finds_a_key_waiting(folder: Path) -> None:
    add_key(folder, age=HOUR)
    first, second = rotate(), rotate()

    assert (first["made"], second["made"]) == (True, False)
    assert first["signs_from"] == second["signs_from"]
    assert len(known()) == 2
    assert rotate_in_words().startswith("No new key: the newest one is waiting for its turn.")


@pytest.mark.server
def test_two_rotations_at_once_make_one_key(folder: Path) -> None:
    add_key(folder, age=HOUR)
    with locks.hold(folder / ".rotate.lock"):
        both = [start_command(folder, "--json") for _ in range(2)]
        while not all(waits_for_a_lock(process) for process in both):
            assert all(process.poll() is None for process in both)
    told = [json.loads(process.communicate(timeout=60)[0]) for process in both]

    assert sorted(found["made"] for found in told) == [False, True]
    assert len(known()) == 2


def waits_for_a_lock(process: "subprocess.Popen[bytes]") -> bool:
    return f"-> FLOCK  ADVISORY  WRITE {process.pid} " in Path("/proc/locks").read_text()


@pytest.mark.server
@pytest.mark.parametrize(
    ("patch", "keys_after"),
    [
        (f"os.fsync = {DIE}", 1),
        (f"pathlib.Path.rename = {DIE}", 1),
        (f"old = pathlib.Path.rename; pathlib.Path.rename = lambda *a: (old(*a), ({DIE})())", 2),
    ],
    ids=["while writing", "before it is there", "when it is there"],
)
def test_a_rotation_that_is_killed_leaves_nothing_half_done(
    folder: Path, patch: str, keys_after: int
) -> None:
    old = add_key(folder, age=HOUR)

    killed = start([sys.executable, "-c", ROTATED_KILLED_HALFWAY.format(patch=patch)], folder)

    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(known()) == keys_after
    assert signing() == old
    rotate()
    assert len(known()) == 2
    assert {path.suffix for path in folder.iterdir()} == {".pem", ".lock"}


def start_command(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    return start([sys.executable, "manage.py", "rotate_keys", *arguments], folder)


def start(words: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        env={**os.environ, "JWT_PRIVATE_KEY_FILES": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_key_is_retired_once_nothing_it_signed_can_hold(folder: Path) -> None:
    first = add_key(folder, age=life() + 3 * HOUR)
    second = add_key(folder, age=life() + key_files.ACTIVATION)  # signs for not quite that long
    add_key(folder, age=HOUR)
    assert rotate("--retire", "--yes")["retired"] == []

    old = file_of(folder, second)
    earlier = key_files.made_at(old) - timedelta(minutes=2)
    old.rename(folder / key_files.name_for(second, now=earlier))
    gone = file_of(folder, first).name

    assert rotate("--retire", "--yes", "--dry-run")["retired"] == [gone]
    assert first in known()
    assert rotate("--retire", "--yes")["retired"] == [gone]
    assert first not in known()
    assert second in known()
    assert rotate("--retire", "--yes")["retired"] == []


def test_a_key_of_unknown_age_is_retired_only_after_one_of_known_age(folder: Path) -> None:
    for name in ("a.pem", "b.pem"):
        (folder / name).write_bytes(new_key())
    assert rotate("--retire", "--yes")["retired"] == []

    add_key(folder, age=life() + HOUR)

    assert rotate("--retire", "--yes")["retired"] == ["a.pem", "b.pem"]


def test_without_somebody_to_ask_nothing_is_deleted(folder: Path) -> None:
    first = add_key(folder, age=life() + 3 * HOUR)
    add_key(folder, age=life() + HOUR)

    process = start_command(folder, "--retire")
    told = process.communicate(timeout=60)[1].decode()

    assert process.returncode == 2
    assert told == "--retire has to be confirmed: say --yes, or look first with --dry-run.\n"
    assert first in known()


class Terminal(StringIO):
    """Somebody who can be asked, and what they type."""

    def isatty(self) -> bool:
        return True


def test_somebody_on_a_terminal_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = add_key(folder, age=life() + 3 * HOUR)
    add_key(folder, age=life() + HOUR)
    name = file_of(folder, first).name

    for typed in ("", "n\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        asked = StringIO()
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("rotate_keys", "--retire", stdout=StringIO(), stderr=asked)
        assert asked.getvalue() == f"Delete {name}, whose last token has run out? [y/N] "
        assert first in known()

    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert rotate("--retire")["retired"] == [name]
    assert first not in known()


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    add_key(folder, age=HOUR)
    before = sorted(folder.iterdir())

    told = rotate("--dry-run", "--retire")

    assert (told["made"], told["kid"], told["dry_run"]) == (True, None, True)
    assert sorted(folder.iterdir()) == before
    assert rotate_in_words("--dry-run").startswith(f"Would make a new key in {folder}.")


def test_it_needs_one_folder(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    key = tmp_path / "key.pem"
    key.write_bytes(new_key())

    for entries, words in [
        ([], "names no folder"),
        ([key], "names no folder"),
        ([tmp_path / "absent"], "names no folder"),
        ([tmp_path / "a", tmp_path / "b"], "names several folders"),
    ]:
        begin(*entries)
        with pytest.raises(ConfigurationError, match=words) as error:
            rotate()
        assert "\n" not in str(error.value)
    assert not (tmp_path / "absent").exists()


@pytest.mark.server
def test_without_a_folder_it_says_so_in_one_line(tmp_path: Path) -> None:
    process = start_command(tmp_path / "absent")
    told = process.communicate(timeout=60)[1].decode()

    assert process.returncode == 1
    assert told == (
        "JWT_PRIVATE_KEY_FILES names no folder. Let it name one that exists: keys rotate there.\n"
    )


def test_it_refuses_beside_a_key_that_can_not_be_read(folder: Path) -> None:
    add_key(folder, age=HOUR)
    (folder / "broken.pem").write_text("hello")

    with pytest.raises(ConfigurationError, match=r"broken\.pem can't be read"):
        rotate()

    assert len(list(folder.glob("*.pem"))) == 2


def test_a_wrong_option_is_a_mistake_of_usage(folder: Path) -> None:
    with pytest.raises(UsageError):
        rotate("--retired")


@pytest.mark.server
def test_the_command_begins_with_an_empty_folder_and_the_others_say_what_to_do(
    folder: Path,
) -> None:
    other = start([sys.executable, "manage.py", "wait_for", "--redis"], folder)
    complaint = other.communicate(timeout=60)[1].decode()
    process = start_command(folder, "--json")
    out = process.communicate(timeout=60)[0]

    assert other.returncode == 1
    assert complaint == (
        f"JWT_PRIVATE_KEY_FILES: {folder} holds no key (*.pem). Make one: manage.py rotate_keys.\n"
    )
    assert process.returncode == 0
    assert json.loads(out)["kid"] == signing()


def test_a_file_that_is_named_first_signs_before_the_folder(
    folder: Path, tmp_path: Path, begin: Begin
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(new_key())
    begin(key, folder)

    told = rotate()

    assert told["signs_from"] is None
    assert signing() == keys.SigningKey.of(key_files.read(key)).kid
    assert told["kid"] in known()


def test_a_key_that_lies_in_two_places_is_shown_once(
    folder: Path, tmp_path: Path, begin: Begin
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(new_key())
    (folder / "copy.pem").write_bytes(key.read_bytes())
    begin(folder, key)

    assert len(keys.jwks()["keys"]) == 1


@pytest.mark.parametrize("what", ["a broken key", "no folder", "no key"])
def test_what_breaks_in_the_folder_keeps_the_last_good_keys_and_says_so(
    folder: Path, what: str
) -> None:
    kid = add_key(folder, age=HOUR)
    assert signing() == kid
    if what == "a broken key":
        (folder / "20260101T000000Z-broken.pem").write_text("hello")
    elif what == "no folder":
        folder.rename(folder.with_name("elsewhere"))
    else:
        file_of(folder, kid).rename(folder / "away.txt")

    with capture_logs() as lines:
        assert known() == {kid}

    assert [(line["event"], line["log_level"]) for line in lines] == [("keys.unusable", "error")]
    assert str(folder) in lines[0]["error"]


def test_what_is_not_called_pem_or_is_hidden_is_no_key(folder: Path) -> None:
    kid = add_key(folder, age=HOUR)
    (folder / "README").write_text("keys")
    (folder / ".draft.pem").write_text("half a k")

    assert known() == {kid}


def test_the_doctor_counts_the_keys_of_the_folder(folder: Path) -> None:
    assert checkup.signing_keys().status == "fail"
    rotate()

    assert checkup.signing_keys().detail == "1 file(s) readable."
