"""Making the next signing key, and taking away those whose last token has run out.

Not a transaction: files alone change. The lock lies in the folder, like the keys, and every change
is one rename or one deletion, so that being killed leaves the folder as it was before or after it.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from accounts import key_files
from accounts.keys import SigningKey
from core.embedded import locks
from core.errors import ConfigurationError

log = structlog.get_logger(__name__)

LOCK = ".rotate.lock"
DRAFT = ".rotate-*.draft"
SLACK = timedelta(minutes=1)
"""For clocks that differ, and processes that look at the folder every few seconds."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation changes. `made` is None when a key that is yet to sign waits already."""

    folder: Path
    made: SigningKey | None
    signs_from: datetime | None
    """When the newest key begins to sign; None when a file that is named before the folder does."""
    retired: list[Path] = field(default_factory=list)


def rotate(*, retire: bool, now: datetime) -> Rotation:
    """Make a key, unless one waits for its turn; with `retire` delete those that are over.

    Raises ConfigurationError when there is not one folder, or when a key in it can't be read.
    """
    folder = _only_folder()
    with _alone(folder):
        planned = plan(retire=retire, now=now)
        if planned.made:
            path = folder / key_files.name_for(planned.made.kid, now=now)
            _write(planned.made, path)
            log.info("keys.rotated", file=path.name)
        for path in planned.retired:
            path.unlink()
            log.info("keys.retired", file=path.name)
    return planned


def plan(*, retire: bool, now: datetime) -> Rotation:
    """Return what `rotate` would do now. Raises what it raises."""
    folder = _only_folder()
    files = key_files.in_folder(folder)
    for path in files:
        key_files.read(path)
    made = None if files and key_files.signs_from(files[-1]) > now else _new_key()
    new = [folder / key_files.name_for(made.kid, now=now)] if made else []
    return Rotation(
        folder=folder,
        made=made,
        signs_from=_turn(folder, [*files, *new]),
        retired=_over(files, now=now) if retire else [],
    )


def _new_key() -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.generate())


def _only_folder() -> Path:
    entries: list[Path] = settings.JWT_PRIVATE_KEY_FILES
    folders = [entry for entry in entries if key_files.is_folder(entry)]
    if len(folders) != 1:
        found = "several folders" if folders else "no folder"
        raise ConfigurationError(
            f"JWT_PRIVATE_KEY_FILES names {found}. Let it name one that exists: keys rotate there."
        )
    return folders[0]


def _turn(folder: Path, files: list[Path]) -> datetime | None:
    """Return when the newest of these files begins to sign; the only one does so at once."""
    if settings.JWT_PRIVATE_KEY_FILES[0] != folder:
        return None
    return key_files.signs_from(files[-1]) if len(files) > 1 else key_files.made_at(files[-1])


def _over(files: list[Path], *, now: datetime) -> list[Path]:
    """Return the keys before the newest one that began to sign a token's whole life ago."""
    life = settings.REFRESH_LIFETIME + settings.ACCESS_LIFETIME + SLACK
    long_signing = [
        index
        for index, path in enumerate(files)
        if key_files.made_at(path) != key_files.UNDATED and key_files.signs_from(path) + life < now
    ]
    return files[: long_signing[-1]] if long_signing else []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for other rotations, then delete what a killed one left behind."""
    with locks.hold(folder / LOCK):
        for draft in folder.glob(DRAFT):
            draft.unlink()
        yield


def _write(key: SigningKey, path: Path) -> None:
    """Let the file appear whole or not at all, and survive a loss of power."""
    draft = path.with_name(DRAFT.replace("*", secrets.token_hex(8)))
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"JWT_PRIVATE_KEY_FILES: no key can be written to {path.parent}: {error.strerror}."
        ) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
