"""Where signing keys lie: PEM files, each named by itself or found in a folder that was named.

Keys of a folder take turns by the moment in their names. Others may have cached the public keys
(for 5 minutes) and look at the folder every few seconds, so a new key verifies at once but signs
only once it is ACTIVATION old.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import ConfigurationError

ACTIVATION = timedelta(minutes=10)
STAMP = "%Y%m%dT%H%M%SZ"
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def expand(entries: Iterable[Path], *, now: datetime) -> list[Path]:
    """Return every key file, the one that signs first. Raises ConfigurationError."""
    return [path for entry in entries for path in _files_of(entry, now=now)]


def in_folder(folder: Path) -> list[Path]:
    """Return the folder's keys, oldest first. Raises ConfigurationError when it can't be read."""
    try:
        found = [path for path in folder.iterdir() if _is_key(path)]
    except OSError as error:
        raise unreadable(folder, error) from None
    return sorted(found, key=lambda path: (made_at(path), path.name))


def made_at(path: Path) -> datetime:
    """Return the moment in the name; UNDATED, before all others, for a name that tells none."""
    try:
        return datetime.strptime(path.name.partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return UNDATED


def name_for(kid: str, *, now: datetime) -> str:
    return f"{now.astimezone(UTC):{STAMP}}-{kid[:8]}.pem"


def signs_from(path: Path) -> datetime:
    return made_at(path) + ACTIVATION


def read(path: Path) -> Ed25519PrivateKey:
    """Raises ConfigurationError for what is no Ed25519 key."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise unreadable(path, error) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"JWT_PRIVATE_KEY_FILES: {path} can't be read as an unencrypted PEM key."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"JWT_PRIVATE_KEY_FILES: {path} is not an Ed25519 key.")
    return key


def unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"JWT_PRIVATE_KEY_FILES: {path} can't be read: {error.strerror}.")


def _files_of(entry: Path, *, now: datetime) -> list[Path]:
    if not is_folder(entry):
        return [entry]
    files = in_folder(entry)
    if not files:
        raise ConfigurationError(
            f"JWT_PRIVATE_KEY_FILES: {entry} holds no key (*.pem). Make one: manage.py rotate_keys."
        )
    old_enough = [path for path in files if signs_from(path) <= now]
    signer = old_enough[-1] if old_enough else files[0]
    return [signer, *(path for path in files if path != signer)]


def is_folder(entry: Path) -> bool:
    """Raises ConfigurationError when that can't be seen."""
    try:
        return entry.is_dir()
    except OSError as error:  # a folder above it may not be entered
        raise unreadable(entry, error) from None


def _is_key(path: Path) -> bool:
    return path.suffix == ".pem" and not path.name.startswith(".")
