"""File locks: the kernel drops them with their holder, so a killed one never blocks the next."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from core.embedded.errors import AlreadyRunningError, EmbeddedError


@contextmanager
def hold(path: Path, *, wait: bool = True, note: str = "") -> Iterator[None]:
    """Hold the lock while the block runs and leave `note` in the file for whoever is refused.

    Without `wait`, raises AlreadyRunningError whose message is the holder's note.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunningError(file.read()) from None
        file.truncate(0)
        file.write(note)
        file.flush()
        yield


def make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return folder


def cannot_write(folder: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(f"Tenantry cannot write to {folder}: {error.strerror}.")


def _opened(path: Path) -> TextIO:
    make_folder(path.parent)
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path.parent, error) from None
