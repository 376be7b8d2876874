"""A Valkey of our own, on the loopback interface only."""

import signal
import socket
from pathlib import Path

from core.embedded import binaries
from core.embedded.accounts import Account
from core.embedded.places import reachable
from core.embedded.server import Server

DATABASES = 256
"""Each pytest worker takes one for itself."""


class Valkey(Server):
    name = "Valkey"
    key = "valkey"
    port_option = "--port"
    stop_signal = signal.SIGTERM

    @property
    def data(self) -> Path:
        return self.folder.resolve()

    @property
    def pid_file(self) -> Path:
        return self.data / "valkey.pid"

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=3) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")  # -LOADING while it reads its data
        except OSError:
            return False

    def prepare(self, account: Account | None) -> None:
        """It makes its files itself, and its pid file never stops it."""

    def command(self, account: Account | None) -> list[str]:
        folder = reachable(binaries.valkey(), program="valkey-server", account=account)
        options = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--dir": str(self.data),
            "--pidfile": str(self.pid_file),
            "--set-proc-title": "no",  # the command line stays ours to recognize
            "--databases": str(DATABASES),
            "--save": "",
            "--appendonly": "yes" if self.durable else "no",
        }
        return [str(folder / "valkey-server"), *(word for pair in options.items() for word in pair)]
