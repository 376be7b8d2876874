import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.log_format import FIELD_BYTES, console_line, describe_exception, json_line
from core.log_writer import LogWriter

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = """
import logging, os, sys, threading, warnings
import structlog
from core.logging import configure_logging, flush, use_stderr
configure_logging(level="INFO", format=sys.argv[1])
log = structlog.get_logger("tests")
"""


def program(body: str, *, format: str = "json", **options: Any) -> subprocess.Popen[bytes]:
    """Start a process of its own that logs, as the product does."""
    command = [sys.executable, "-c", PREAMBLE + body, format]
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "cwd": ROOT} | options
    process: subprocess.Popen[bytes] = subprocess.Popen(command, **settings)
    return process


def output(body: str, *, format: str = "json") -> str:
    run = program(body, format=format)
    return run.communicate(timeout=60)[0].decode()


def lines(body: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output(body).splitlines()]


def report(count: int) -> bytes:
    return b"dropped %d\n" % count


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


# -- Shape -----------------------------------------------------------------------------------------


def test_a_line_has_what_every_line_has() -> None:
    (line,) = lines("log.info('thing.done', thing_id=7)")

    assert list(line)[:4] == ["timestamp", "level", "event", "logger"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {"level": "info", "event": "thing.done", "logger": "tests", "thing_id": 7}


def test_everything_ends_in_the_same_place_in_the_same_shape() -> None:
    found = lines(
        "structlog.contextvars.bind_contextvars(request_id='r1')\n"
        "logging.getLogger('uvicorn.error').warning('Started %s', 'x', extra={'port': 1})\n"
        "logging.getLogger('django.security').warning('odd')\n"
        "logging.getLogger('some.library').error('broken %d', 'arguments')\n"
        "warnings.warn('old')\n"
        "log.warning('ours')\n"
    )

    assert [(line["logger"], line["level"]) for line in found] == [
        ("uvicorn.error", "warning"),
        ("django.security", "warning"),
        ("some.library", "error"),
        ("py.warnings", "warning"),
        ("tests", "warning"),
    ]
    assert {line["request_id"] for line in found} == {"r1"}
    assert found[0]["event"] == "Started x"
    assert found[0]["port"] == 1


def test_levels_are_kept_and_what_is_below_is_not_written() -> None:
    found = lines(
        "log.debug('no'); logging.getLogger('x').debug('no')\n"
        "logging.getLogger('django.request').warning('told by our own line already')\n"
        "log.warning('yes'); log.error('yes'); log.critical('yes'); log.exception('yes')\n"
    )

    assert [line["level"] for line in found] == ["warning", "error", "critical", "error"]


def test_servers_that_configured_themselves_are_brought_home() -> None:
    found = lines(
        "handler = logging.StreamHandler(sys.stdout)\n"
        "for name in ('uvicorn', 'uvicorn.error', '_granian'):\n"
        "    logging.getLogger(name).handlers = [handler]\n"
        "    logging.getLogger(name).propagate = False\n"
        "from core.logging import SERVER_LOGGING\n"
        "import logging.config; logging.config.dictConfig(SERVER_LOGGING)\n"
        "logging.getLogger('uvicorn.error').warning('odd')\n"
        "logging.getLogger('_granian').info('up')\n"
        "logging.getLogger('uvicorn.error').info('WebSocket /ws/v1?ticket=secret [accepted]')\n"
        "logging.getLogger('uvicorn.access').info('GET /')\n"
    )

    assert [line["logger"] for line in found] == ["uvicorn.error", "_granian"]


def test_a_field_can_not_pretend_to_be_the_level() -> None:
    (line,) = lines("log.info('x', level='critical', timestamp='now', logger='root')")

    assert line["level"] == "info"
    assert line["level_"] == "critical"


def test_an_exception_becomes_fields_without_locals() -> None:
    (line,) = lines(
        "def work():\n"
        "    secret_local = 'hunter2-in-a-local'\n"
        "    raise KeyError('missing')\n"
        "try:\n"
        "    try: work()\n"
        "    except KeyError as error: raise ValueError('bad\\nnews') from error\n"
        "except ValueError: log.exception('failed')\n"
    )

    exception = line["exception"]
    assert (exception["type"], exception["message"]) == ("ValueError", "bad\nnews")
    assert exception["cause"]["type"] == "KeyError"
    assert exception["cause"]["frames"][-1]["function"] == "work"
    assert exception["frames"][-1].keys() == {"file", "line", "function"}
    assert "hunter2" not in json.dumps(line)


def test_a_group_of_exceptions_shows_its_members() -> None:
    described = describe_exception(ExceptionGroup("several", [ValueError("a"), TypeError("b")]))

    assert [one["type"] for one in described["exceptions"]] == ["ValueError", "TypeError"]


def test_an_endless_recursion_fits_into_its_field() -> None:
    def deeper() -> None:
        deeper()

    with pytest.raises(RecursionError) as caught:
        deeper()
    line = json.loads(json_line({"exception": describe_exception(caught.value)}))

    assert len(line["exception"]["frames"]) == 20
    assert len(json.dumps(line)) < FIELD_BYTES


def test_what_nobody_caught_is_logged() -> None:
    found = lines(
        "def die(): raise ValueError('in a thread')\n"
        "thread = threading.Thread(target=die, name='t'); thread.start(); thread.join()\n"
        "raise RuntimeError('in the main thread')\n"
    )

    assert [line["event"] for line in found] == ["thread.died", "process.died"]
    assert found[0]["thread"] == "t"
    assert found[1]["exception"]["message"] == "in the main thread"


def test_commands_can_keep_stdout_for_their_result() -> None:
    run = program("use_stderr(); log.info('x'); flush(); print('{}')", stderr=subprocess.PIPE)

    out, err = run.communicate(timeout=60)

    assert out == b"{}\n"
    assert json.loads(err)["event"] == "x"


# -- Content ---------------------------------------------------------------------------------------


def test_each_field_is_cut_at_eight_kibibytes() -> None:
    line = json.loads(
        json_line(
            {
                "event": "x",
                "text": "ü" * 100_000,
                "list": ["y" * 100] * 1000,
                "dict": {str(number): number for number in range(10_000)},
                "bytes": b"z" * 100_000,
                "short": "kept",
            }
        )
    )

    for name in ("text", "list", "dict", "bytes"):
        assert 8000 < len(line[name].encode()) <= FIELD_BYTES
        assert line[name].endswith("…")
    assert line["short"] == "kept"


# PLT 20
def test_no_secret_is_written_by_name_or_by_shape() -> None:
    text = output(
        "token = 'q3T9x-LmZ0aBcD1eFgH2iJkL3mNoP4qRsT5uVwX6yZ_'\n"
        "log.info('x', password='hunter2', body={'refresh': 'hunter2'}, note='Bearer hunter2')\n"
        "log.info(f'mailed {token}', path=f'/invitations/{token}', url=f'/p?ticket=hunter2')\n"
        "logging.getLogger('y').warning('%s', token, extra={'cookie': 'hunter2'})\n"
        "structlog.contextvars.bind_contextvars(authorization='hunter2')\n"
        "try: raise ValueError(f'{token} redis://u:hunter2@h')\n"
        "except ValueError: log.exception('z'); logging.getLogger('y').exception('z')\n"
    )

    assert len(text.splitlines()) == 5
    assert "q3T9x" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "odd",
    [
        "\ud800", 2**70, -(2**70), float("nan"), float("inf"), object(), {1: 2},
        {"a": {"b": object()}}, b"\xff", (1, 2), {1}, Exception("x"), range(3), type,
    ],
)  # fmt: skip
def test_any_value_can_be_logged(odd: object) -> None:
    line = json_line({"event": "x", "odd": odd, "in": [odd], "by": {"a": odd}})

    assert json.loads(line)["event"] == "x"
    assert line.count(b"\n") == 1
    assert console_line({"event": "x", "odd": odd}, colour=False).count(b"\n") == 1


def test_objects_that_refuse_to_be_shown_spoil_no_line() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    nested: dict[str, Any] = {}
    nested["self"] = nested

    event = {"event": "x", "a": Broken(), "b": [Broken()], "c": nested, "d": BrokenError()}
    assert json.loads(json_line(event))["a"] == "<unprintable Broken>"
    assert describe_exception(BrokenError())["message"] == "<unprintable BrokenError>"


def test_user_input_starts_no_line() -> None:
    evil = 'x\n{"event":"forged"}\r\x1b[31m\x00\u2028\x85\x0b\x1c\x7f\u202e'

    for line in (
        json_line({"event": evil, evil: evil}),
        console_line({"event": evil, "name": evil, evil: evil, "logger": evil}, colour=False),
    ):
        assert line.count(b"\n") == 1
        assert len(line.decode().splitlines()) == 1
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", line.decode())
    assert json.loads(json_line({"event": evil}))["event"] == evil


def test_a_terminal_gets_one_readable_line_and_the_exception_after_it() -> None:
    text = output(
        "try: raise ValueError('bad\\nnews')\n"
        "except ValueError: log.exception('thing.failed', thing_id=7)\n",
        format="console",
    )

    first, second, third = text.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} error    thing\.failed thing_id=7 \[tests\]", first)
    assert second == r"    ValueError: bad\nnews"
    assert third.endswith("in <module>")
    assert third.startswith("      ")


def test_colours_are_for_terminals() -> None:
    event = {"timestamp": "2026-01-01T10:00:00.000Z", "level": "info", "event": "x", "logger": "y"}

    assert b"\x1b[32minfo" in console_line(dict(event), colour=True)
    assert b"\x1b" not in console_line(dict(event), colour=False)


# -- A log that can't be written -------------------------------------------------------------------


def test_a_blocked_pipe_delays_nobody_and_the_loss_is_counted() -> None:
    run = program(
        "for number in range(40_000): log.info('x', number=number, filler='.' * 300)\n"
        "sys.stderr.write('done'); sys.stderr.flush(); sys.stdin.read()\n",
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )
    assert run.stderr
    assert run.stderr.read(4) == b"done"  # while nobody reads its log

    out, _ = run.communicate(timeout=60)

    found = [json.loads(line) for line in out.splitlines()]
    written = [line["number"] for line in found if line["event"] == "x"]
    dropped = sum(line["count"] for line in found if line["event"] == "log.dropped")
    assert written == sorted(written)
    assert dropped > 0
    assert len(written) + dropped == 40_000


def test_a_process_whose_log_is_blocked_still_ends() -> None:
    run = program("for _ in range(2000): log.info('x', filler='.' * 300)\n")

    assert run.wait(timeout=60) == 0
    run.communicate()


@pytest.mark.parametrize("where", ["closed pipe", "/dev/full", "nowhere"])
def test_a_log_that_refuses_fails_nobody(where: str) -> None:
    body = "for number in range(2000): log.info('x')\nflush(); sys.stderr.write('done')"
    if where == "closed pipe":
        with program(body, stderr=subprocess.PIPE) as run:
            assert run.stdout
            assert run.stderr
            run.stdout.close()
            error = run.stderr.read()
    elif where == "/dev/full":
        with Path("/dev/full").open("wb") as full:
            run = program(body, stdout=full, stderr=subprocess.PIPE)
            error = run.communicate(timeout=60)[1]
    else:
        run = program("os.close(1)\n" + body, stderr=subprocess.PIPE)
        error = run.communicate(timeout=60)[1]

    assert error.startswith(b"done")


def test_writing_goes_on_where_an_error_cut_a_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    writer = LogWriter(writing, report=report)
    writer.put(b"first\n")
    assert writer.flush(timeout_seconds=10)

    os.close(writing)
    writer.put(b"lost\n")
    assert writer.flush(timeout_seconds=10)
    fresh = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    writer.descriptor = fresh
    writer.put(b"second\n")
    assert writer.flush(timeout_seconds=10)

    assert os.read(reading, 100) == b"first\n"
    assert (tmp_path / "log").read_bytes() == b"second\ndropped 1\n"
    os.close(reading)
    os.close(fresh)


def test_the_rest_of_a_cut_line_is_written_first() -> None:
    writer = LogWriter(-1, report=report)

    lost = writer._give_up(b"one\ntwo\nthree\n", 6)

    assert lost == 1
    assert writer._torn == b"o\n"


def test_a_full_queue_drops_and_counts(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    while True:  # fill the pipe, so that the writer's first write blocks
        os.set_blocking(writing, False)
        try:
            os.write(writing, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    writer = LogWriter(writing, report=report, capacity_bytes=100)

    for _ in range(50):
        writer.put(b"0123456789\n")
    threading.Thread(target=_drain, args=(reading,), daemon=True).start()
    assert writer.flush(timeout_seconds=10)
    writer.put(b"end\n")

    assert writer.flush(timeout_seconds=10)
    assert writer._dropped == 0  # told


def _drain(descriptor: int) -> None:
    with suppress(OSError):
        while os.read(descriptor, 65536):
            pass


def test_a_non_blocking_stdout_loses_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    writer = LogWriter(writing, report=report)
    for _ in range(2000):
        writer.put(b"x" * 99 + b"\n")

    received = 0
    while received < 200_000:
        received += len(os.read(reading, 65536))

    assert writer.flush(timeout_seconds=10)
    assert writer._dropped == 0


def test_many_threads_lose_and_mix_nothing() -> None:
    found = lines(
        "def work(n):\n"
        "    for i in range(500): log.info('x', n=n, i=i)\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
    )

    assert len({(line["n"], line["i"]) for line in found}) == len(found) == 4000


def test_processes_that_share_stdout_mix_no_lines() -> None:
    found = lines(
        "import subprocess\n"
        "if len(sys.argv) == 2:\n"
        "    code = open('/proc/self/cmdline').read().split('\\0')[2]\n"
        "    command = [sys.executable, '-c', code, 'json', 'child']\n"
        "    children = [subprocess.Popen(command) for _ in 'ab']\n"
        "    [child.wait() for child in children]\n"
        "else:\n"
        "    for i in range(3000): log.info('x', filler='.' * (i % 9000))\n"
    )

    assert len(found) + sum(line["count"] - 1 for line in found if "count" in line) == 6000


def test_a_forked_child_logs_for_itself_and_repeats_nothing() -> None:
    found = lines(
        "log.info('before')\n"
        "pid = os.fork()\n"
        "log.info('child' if pid == 0 else 'parent')\n"
        "flush()\n"
        "if pid == 0: os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )

    assert sorted(line["event"] for line in found) == ["before", "child", "parent"]


def test_a_signal_handler_may_log_at_any_moment() -> None:
    found = lines(
        "import signal\n"
        "signal.signal(signal.SIGALRM, lambda *_: log.info('alarm'))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "for i in range(5000): log.info('x')\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "flush()\n"
    )

    assert sum(line["event"] == "x" for line in found) == 5000
    assert any(line["event"] == "alarm" for line in found)


def test_lines_logged_at_exit_are_written() -> None:
    found = lines("import atexit\natexit.register(lambda: log.info('bye'))\nlog.info('hello')\n")

    assert [line["event"] for line in found] == ["hello", "bye"]


def test_a_killed_reader_is_no_reason_to_die() -> None:
    reader = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE)
    run = program(
        "import time\nlog.info('x'); flush()\nsys.stdin.readline()\n"
        "for _ in range(100): log.info('y')\nflush(); sys.stderr.write('alive')",
        stdout=reader.stdin,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reader.stdin
    reader.stdin.close()
    os.kill(reader.pid, signal.SIGKILL)
    reader.wait()

    _, error = run.communicate(b"\n", timeout=60)

    assert error == b"alive"
    assert run.returncode == 0
