"""What the two embedded servers have in common: start or adopt, and stop."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from core.embedded import binaries, processes
from core.embedded.accounts import Account, account_for
from core.embedded.errors import EmbeddedError
from core.embedded.locks import make_folder
from core.embedded.places import data_folder, remove

READY_SECONDS = 60.0
STOP_SECONDS = 20.0


class Server(ABC):
    """One server of one data folder.

    It knows its process by that folder on the command line, so that a stale pid file whose
    number now belongs to somebody else fools nobody.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    port_option: ClassVar[str]
    stop_signal: signal.Signals

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.folder = home.absolute() / self.key
        self.log = home.absolute() / "logs" / f"{self.key}.log"
        self.durable = durable
        self.port = 0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def data(self) -> Path:
        """Where the data really lies, as it stands on the command line."""

    @property
    @abstractmethod
    def pid_file(self) -> Path: ...

    @abstractmethod
    def answers(self) -> bool:
        """Whether something on our port takes commands now."""

    @abstractmethod
    def command(self, account: Account | None) -> Sequence[str]: ...

    @abstractmethod
    def prepare(self, account: Account | None) -> None:
        """Make the data fit for a first or a further start."""

    def running_pid(self) -> int | None:
        """Return the process that works on our data, of this run or of an earlier one."""
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        ours = str(self.data) in processes.command_line(pid)
        return pid if ours and processes.is_alive(pid) else None

    def running_port(self) -> int | None:
        """Return where the server of an earlier run still listens, if there is one."""
        pid = self.running_pid()
        words = processes.command_line(pid) if pid else []
        return int(words[words.index(self.port_option) + 1]) if words else None

    def start(self, port: int) -> None:
        """Start on this port, or adopt what already runs; return when it answers."""
        self._forget_a_dead_child()
        self.port = self.running_port() or port
        make_folder(self.log.parent)
        if not self._adopt():
            account = account_for(self.folder)
            data_folder(self.folder, account=account)
            self._launch(account)

    def stop(self) -> None:
        """End the server, whoever started it. A second call finds nothing to do."""
        self._forget_a_dead_child()
        pid = self._child.pid if self._child else self.running_pid()
        if pid is not None:
            processes.end(pid, sign=self.stop_signal, patience_seconds=STOP_SECONDS)
        if self._child:
            self._child.wait()
            self._child = None

    def discard(self) -> None:
        """End the server and delete its data, wherever it lies."""
        self.stop()
        remove(self.folder)

    def _forget_a_dead_child(self) -> None:
        if self._child and self._child.poll() is not None:
            self._child = None

    def _adopt(self) -> bool:
        pid = self.running_pid()
        if pid is None:
            return False
        if self._becomes_ready(lambda: processes.is_alive(pid)):
            return True
        self.stop()  # it hangs, and no second server may touch its data
        return False

    def _launch(self, account: Account | None) -> None:
        try:
            self.prepare(account)
            child = processes.spawn(self.command(account), account=account, log=self.log)
        except OSError as error:
            raise binaries.cannot_run(self.name, error) from None
        self._child = child
        if not self._becomes_ready(lambda: child.poll() is None):
            self.stop()
            reason = processes.tail(self.log) or "it said nothing"
            raise EmbeddedError(f"{self.name} did not start: {reason} (see {self.log})")

    def _becomes_ready(self, lives: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while lives() and time.monotonic() < deadline:
            if self.answers():
                return lives()
            time.sleep(processes.POLL_SECONDS)
        return False
