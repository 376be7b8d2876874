import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded import processes

STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
)


@pytest.fixture
def zombie() -> Iterator[int]:
    """A process that has ended and that nobody has asked about yet."""
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        yield child.pid


def test_a_zombie_is_dead_but_its_number_is_taken(zombie: int) -> None:
    assert not processes.is_alive(zombie)
    assert processes.has_number(zombie)


def test_we_are_alive_and_known_by_our_words() -> None:
    assert processes.is_alive(os.getpid())
    assert processes.command_line(os.getpid())[0] == sys.orig_argv[0]


def test_a_process_that_does_not_listen_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()

        processes.end(child.pid, sign=signal.SIGTERM, patience_seconds=0.1)

        assert not processes.is_alive(child.pid)


def test_what_is_started_is_out_of_reach_of_the_terminal(tmp_path: Path) -> None:
    child = processes.spawn(["sleep", "60"], account=None, log=tmp_path / "log")

    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        processes.end(child.pid, sign=signal.SIGKILL, patience_seconds=5)
        child.wait()


def test_our_environment_stays_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("SECRET_KEY", "hush")

    shown = processes.run(["env"], account=None).stdout

    assert "db.example" not in shown
    assert "hush" not in shown
