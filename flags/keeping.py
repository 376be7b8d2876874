"""The file that outlives the stores: the last snapshot of each environment, for a cold start.

Written whole beside its place and moved there, so that a reader finds the old or the new one. An
older snapshot never replaces a newer one.
"""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

import orjson
import structlog
from django.conf import settings

from flags.documents import Snapshot, snapshot

log = structlog.get_logger(__name__)

FORMAT = 1


def place(environment: str) -> Path | None:
    """Return the file of an environment; None where none is kept."""
    if not settings.FLAGS_SNAPSHOT:
        return None
    path = Path(settings.FLAGS_SNAPSHOT)
    if environment == settings.FLAGS_ENVIRONMENT:
        return path
    return path.with_name(f"{path.name}.{quote(environment, safe='')}")


def load(environment: str) -> Snapshot | None:
    """Return what the file holds; None where there is none, or none that can be read."""
    path = place(environment)
    if path is None:
        return None
    try:
        kept = orjson.loads(path.read_bytes())
        if kept["format"] != FORMAT or kept["environment"] != environment:
            return None
        return snapshot(environment, kept["document"], is_stale=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("flags.snapshot_unreadable", path=str(path), error=str(error))
        return None


def keep(found: Snapshot) -> None:
    """Write a snapshot, unless the file has a newer one. What fails is logged: it is a spare."""
    path = place(found.environment)
    if path is None:
        return
    try:
        if _version(path) < found.version:
            _write(path, found)
    except OSError as error:
        log.warning("flags.snapshot_not_kept", path=str(path), error=str(error))


def _version(path: Path) -> int:
    try:
        return int(orjson.loads(path.read_bytes())["document"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1


def _write(path: Path, found: Snapshot) -> None:
    kept = {"format": FORMAT, "environment": found.environment, "document": found.document}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by us alone, as temporary files are: it may name addresses of people.
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(orjson.dumps(kept))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
