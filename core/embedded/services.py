"""Both embedded stores of one folder, as `manage.py dev` and pytest want them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.embedded import places, state
from core.embedded.errors import EmbeddedError
from core.embedded.locks import hold, make_folder
from core.embedded.postgres import Postgres
from core.embedded.server import Server
from core.embedded.state import Addresses, Ports
from core.embedded.valkey import Valkey

ATTEMPTS = 3


class Services:
    """The stores of `folder`, minus those the caller has elsewhere."""

    def __init__(
        self, folder: Path, durable: bool, *, postgres: bool = True, valkey: bool = True
    ) -> None:
        self.folder = folder
        self.servers: list[Server] = []
        if postgres:
            self.servers.append(Postgres(folder, durable=durable))
        if valkey:
            self.servers.append(Valkey(folder, durable=durable))

    def settle(self) -> Addresses:
        """Write down ports that will work: those of servers that still run, else the ones of last
        time if they are free, else fresh ones.
        """
        written = state.read(self.folder)
        ports = written
        for server in self.servers:
            ports = replace(ports, **{server.key: _port_for(server, ports)})
        if ports != written:
            state.write(self.folder, ports)
        return ports.addresses

    def start(self, started: Callable[[Server], None] = lambda server: None) -> Addresses:
        """Start what does not run yet; `started` is told of each server as it becomes ready."""
        make_folder(self.folder)
        with hold(self.folder / "start.lock"):
            try:
                for server in self.servers:
                    self._start(server)
                    started(server)
            except BaseException:
                self.stop()
                raise
        return state.addresses(self.folder)

    def death(self) -> EmbeddedError | None:
        """Tell of one that was started and runs no more."""
        for server in self.servers:
            if server.running_pid() is None:
                return EmbeddedError(
                    f"{server.name} has ended. Its last words are in {server.log}."
                )
        return None

    def stop(self) -> None:
        """End both, the last started first, whoever started them."""
        for server in reversed(self.servers):
            server.stop()

    def discard(self) -> None:
        """End both and delete their data."""
        for server in reversed(self.servers):
            server.discard()
        places.remove(self.folder)

    def _start(self, server: Server) -> None:
        for _ in range(ATTEMPTS - 1):
            self.settle()
            try:
                return server.start(_port(server, state.read(self.folder)))
            except EmbeddedError:
                if state.is_free(server.port):
                    raise
                # Somebody took the port between our look and the server's: choose again.
        self.settle()
        return server.start(_port(server, state.read(self.folder)))


def _port(server: Server, ports: Ports) -> int:
    return int(getattr(ports, server.key))


def _port_for(server: Server, ports: Ports) -> int:
    running = server.running_port()
    if running is not None:
        return running
    port = _port(server, ports)
    return port if state.is_free(port) else state.free_port()
