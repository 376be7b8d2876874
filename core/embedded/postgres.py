"""A PostgreSQL of our own, on the loopback interface only."""

import shutil
import signal
from pathlib import Path
from subprocess import CompletedProcess

from core.embedded import binaries, processes
from core.embedded.accounts import Account
from core.embedded.errors import EmbeddedError
from core.embedded.places import reachable
from core.embedded.server import Server
from core.embedded.state import DATABASE

INITDB_OPTIONS = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    # The built-in provider sorts alike on every system and needs no locale installed.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path has a length limit that a checkout may exceed
    "max_connections": "200",
    "timezone": "UTC",
}
SETTINGS_WITHOUT_DURABILITY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


class Postgres(Server):
    name = "PostgreSQL"
    key = "postgres"
    port_option = "-p"

    def __init__(self, home: Path, *, durable: bool) -> None:
        super().__init__(home, durable=durable)
        # SIGINT is a fast shutdown with a checkpoint, SIGQUIT drops everything at once.
        self.stop_signal = signal.SIGINT if durable else signal.SIGQUIT

    @property
    def data(self) -> Path:
        return self.folder.resolve() / "data"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def start(self, port: int) -> None:
        super().start(port)
        self._ensure_database()

    def answers(self) -> bool:
        return self._client("pg_isready", "--timeout=3").returncode == 0

    def command(self, account: Account | None) -> list[str]:
        settings = SETTINGS | ({} if self.durable else SETTINGS_WITHOUT_DURABILITY)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [
            self._program("postgres", account),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            *options,
        ]

    def prepare(self, account: Account | None) -> None:
        if self.data.exists():
            self._drop_stale_pid_file()
            return
        draft = self.data.with_name("draft")  # renamed when complete: an interrupted one is redone
        shutil.rmtree(draft, ignore_errors=True)
        program = self._program("initdb", account)
        made = processes.run([program, "-D", str(draft), *INITDB_OPTIONS], account=account)
        if made.returncode != 0:
            reason = (made.stderr.strip().splitlines() or ["initdb said nothing"])[-1]
            raise EmbeddedError(f"PostgreSQL's data folder could not be made: {reason}")
        draft.rename(self.data)

    def _drop_stale_pid_file(self) -> None:
        """Remove a pid file that would make PostgreSQL refuse: its number is a stranger's now, or
        a zombie's. One whose process is really gone stays: PostgreSQL then checks for orphaned
        backends in shared memory before it takes over.
        """
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except FileNotFoundError:
            return
        except (ValueError, IndexError):
            pid = None  # cut short by a crash; PostgreSQL refuses an empty one
        if pid is None or processes.has_number(pid):
            self.pid_file.unlink()

    def _ensure_database(self) -> None:
        made = self._client("createdb", "--username=postgres", DATABASE)
        if made.returncode != 0 and "already exists" not in made.stderr:
            raise EmbeddedError(f"PostgreSQL refuses a database: {made.stderr.strip()}")

    def _client(self, program: str, *words: str) -> CompletedProcess[str]:
        where = ["--host=127.0.0.1", f"--port={self.port}"]
        return processes.run([self._program(program, None), *where, *words], account=None)

    def _program(self, name: str, account: Account | None) -> str:
        folder = reachable(binaries.postgres(), program="bin/postgres", account=account)
        return str(folder / "bin" / name)
