"""Folders the servers' account can reach, without opening anybody's closed parent folders.

Only root needs this: its project or virtual environment may lie below /root, where the account
that runs the servers may not enter. Then the binaries are copied to, and the data is kept in, a
folder of the system, and a link in the project shows where.
"""

import hashlib
import os
import shutil
from pathlib import Path

from core.embedded.accounts import Account
from core.embedded.errors import EmbeddedError
from core.embedded.locks import hold, make_folder
from core.embedded.processes import run

CACHE = Path("/var/cache/tenantry")
SHELTER = Path("/var/lib/tenantry")


def data_folder(folder: Path, *, account: Account | None) -> Path:
    """Return an existing folder that the account can write; see `remove` for its end."""
    if folder.is_symlink() and not folder.exists():
        folder.unlink()
    if not folder.exists():
        make_folder(folder).chmod(0o700)
    if account is None:
        return _ours(folder)
    _give(folder.resolve(), account)
    if not _can_write(folder.resolve(), account):
        _shelter(folder, account)
    return folder.resolve()


def remove(folder: Path) -> None:
    """Delete data, wherever it really lies."""
    if folder.is_symlink():
        shutil.rmtree(folder.resolve(), ignore_errors=True)
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def reachable(installed: Path, *, program: str, account: Account | None) -> Path:
    """Return a folder of binaries that the account can execute: `installed`, or a copy of it."""
    if account is None or _can_run(installed / program, account):
        return installed
    changed = f"{installed}:{(installed / program).stat().st_mtime_ns}".encode()
    copy = CACHE / f"{installed.name}-{hashlib.sha256(changed).hexdigest()[:12]}"
    with hold(CACHE / "copying.lock"):
        if not copy.exists():
            draft = copy.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(installed, draft, symlinks=True)
            draft.rename(copy)
    return copy


def _ours(folder: Path) -> Path:
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return folder.resolve()
    raise EmbeddedError(f"{folder} belongs to another user: run as that user, or move it away.")


def _shelter(folder: Path, account: Account) -> None:
    if folder.is_symlink():
        raise EmbeddedError(f"{folder.resolve()} cannot be written: is its disk read-only?")
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
    shelter = make_folder(SHELTER) / f"{name}-{folder.name}"
    shutil.rmtree(shelter, ignore_errors=True)  # of a project folder that was deleted since
    shutil.move(folder, shelter)
    _give(shelter, account)  # a move between file systems copies, and a copy is root's
    folder.symlink_to(shelter)


def _give(folder: Path, account: Account) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != account.uid:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _can_write(folder: Path, account: Account) -> bool:
    return run(["test", "-w", str(folder)], account=account).returncode == 0


def _can_run(program: Path, account: Account) -> bool:
    try:
        return run([str(program), "--version"], account=account).returncode == 0
    except OSError:
        return False
