"""Processes that outlive us if need be: started in a session of their own, recognized later."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.embedded.accounts import Account
from core.embedded.errors import EmbeddedError

POLL_SECONDS = 0.02


def run(command: Sequence[str], *, account: Account | None) -> subprocess.CompletedProcess[str]:
    """Run a short-lived tool as the account and return what it said."""
    return subprocess.run(  # noqa: S603  words of our own, no shell
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        **_identity(account),
    )


def spawn(command: Sequence[str], *, account: Account | None, log: Path) -> subprocess.Popen[bytes]:
    """Start a server; the terminal's Ctrl-C does not reach it."""
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603  words of our own, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            **_identity(account),
        )


def is_alive(pid: int) -> bool:
    """A zombie counts as dead: in a container nobody may ever reap it."""
    return _state(pid) not in {"", "Z", "X"}


def has_number(pid: int) -> bool:
    """Whether the number is in use at all, were it by a zombie or by a stranger's process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> list[str]:
    """Return the words the process was started with; none when there is no such process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return [os.fsdecode(word) for word in words if word]
    except OSError:
        return [] if _has_proc() else _ps("command=", pid).split()


def end(pid: int, *, sign: signal.Signals, patience_seconds: float) -> None:
    """Ask the process to end, kill it when it does not; return once it is gone."""
    for attempt in (sign, signal.SIGKILL):
        _send(pid, attempt)
        if wait_for_end(pid, patience_seconds=patience_seconds):
            return
    raise EmbeddedError(f"Process {pid} does not end, not even when killed.")


def wait_for_end(pid: int, *, patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while True:
        _reap(pid)
        if not is_alive(pid):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)


def tail(log: Path, *, lines: int = 1) -> str:
    """Return the last lines of a log that say something."""
    try:
        written = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join([line for line in written if line.strip()][-lines:])


def _identity(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    # Nothing inherited: PGDATA and its family would redirect the tools, and the servers, running
    # perhaps as another account, have no business with the secrets of our environment.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _state(pid: int) -> str:
    if not _has_proc():
        return _ps("state=", pid)[:1]
    try:
        # The name in parentheses may itself hold spaces and parentheses: look behind the last.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _has_proc() -> bool:
    return Path("/proc/self/stat").exists()


def _ps(column: str, pid: int) -> str:  # macOS
    return run(["ps", "-o", column, "-p", str(pid)], account=None).stdout.strip()


def _send(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
    except PermissionError:
        raise EmbeddedError(f"Process {pid} belongs to another user; end it there.") from None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # a server we adopted: somebody else is its parent
