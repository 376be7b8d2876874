"""Where the embedded stores listen: one small file, so that every process finds the same ports."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from core.embedded.locks import cannot_write, hold

DATABASE = "tenantry"


@dataclass(frozen=True)
class Addresses:
    database_url: str
    redis_url: str


@dataclass(frozen=True)
class Ports:
    postgres: int
    valkey: int

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            database_url=f"postgres://postgres@127.0.0.1:{self.postgres}/{DATABASE}",
            redis_url=f"redis://127.0.0.1:{self.valkey}/0",
        )


def addresses(folder: Path) -> Addresses:
    """Return where the stores of this folder listen, or will once they are started."""
    return read(folder).addresses


def read(folder: Path) -> Ports:
    """Return the ports, chosen and written down by whoever asks first."""
    ports = _written(folder)
    if ports is None:
        with hold(folder / "services.lock"):
            ports = _written(folder) or write(folder, _fresh())
    return ports


def write(folder: Path, ports: Ports) -> Ports:
    # Renamed into place: a reader sees the old ports or the new ones, never half a file.
    draft = folder / f"services.json.{os.getpid()}"
    try:
        draft.write_text(json.dumps(asdict(ports), indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / "services.json")
    except OSError as error:
        raise cannot_write(folder, error) from None
    return ports


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    try:
        # Sets SO_REUSEADDR, as the servers do: connections still closing don't count as taken.
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _fresh() -> Ports:
    # Both sockets are open at once, so the two ports differ.
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        return Ports(postgres=first.getsockname()[1], valkey=second.getsockname()[1])


def _written(folder: Path) -> Ports | None:
    try:
        found = json.loads((folder / "services.json").read_text(encoding="utf-8"))
        return Ports(postgres=int(found["postgres"]), valkey=int(found["valkey"]))
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        return None  # a file nobody can read is as good as none
