"""Writes log lines from a thread of its own, so that a slow or broken pipe harms nobody else."""

import contextlib
import os
import select
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

CAPACITY_BYTES = 4 * 1024 * 1024
# Writes of at most PIPE_BUF bytes are atomic on a pipe (POSIX write(2)): the lines of several
# processes that share one stdout do not mix.
CHUNK_BYTES = 4096
# After a write, wait this long for company: waking the thread for each line would cost a busy
# process more than the writing does.
GATHER_SECONDS = 0.01


class LogWriter:
    """A bounded queue of lines and the daemon thread that empties it into a file descriptor.

    `put` never blocks and never raises. When the queue is full, or the descriptor refuses (EPIPE,
    ENOSPC), lines are dropped and counted; `report` makes the line that tells the count once
    writing works again. Lines end in a newline.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        report: Callable[[int], bytes],
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self.descriptor = descriptor
        self._report = report
        self._capacity = capacity_bytes
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Start empty. Also in a forked child: the parent's lines are the parent's to write."""
        self._lock = threading.RLock()  # re-entrant: a signal handler or __del__ may log
        self._wake: SimpleQueue[None] = SimpleQueue()  # its put is re-entrant too
        self._lines: list[bytes] = []
        self._flushed: list[threading.Event] = []
        self._size = 0
        self._dropped = 0
        self._torn = b""
        self._asleep = True
        self._thread: threading.Thread | None = None

    def put(self, line: bytes) -> None:
        with self._lock:
            if self._size + len(line) > self._capacity:
                self._dropped += 1
                return
            self._lines.append(line)
            self._size += len(line)
            if self._asleep:
                self._rouse()

    def flush(self, *, timeout_seconds: float) -> bool:
        """Wait until everything put so far was written or dropped; False when time ran out."""
        flushed = threading.Event()
        with self._lock:
            if self._thread is None and not self._lines:
                return True
            self._flushed.append(flushed)
            self._rouse()
        return flushed.wait(timeout_seconds)

    def _rouse(self) -> None:
        self._wake.put(None)
        self._asleep = False
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread to be had, at exit or at a limit: the next line tries
                self._asleep = True
            else:
                self._thread = thread

    def _run(self) -> None:
        while True:
            self._wake.get()
            while self._drain():
                with contextlib.suppress(Empty):
                    self._wake.get(timeout=GATHER_SECONDS)

    def _drain(self) -> bool:
        """Write what is queued; return False, and count as asleep, when there was nothing."""
        with self._lock:
            lines, self._lines = self._lines, []
            flushed, self._flushed = self._flushed, []
            if not lines and not flushed:
                self._asleep = True
                return False
        self._write_all(lines)
        with self._lock:
            self._size -= sum(map(len, lines))
        for event in flushed:
            event.set()
        return True

    def _write_all(self, lines: list[bytes]) -> None:
        for chunk in _chunks(lines):
            lost = self._write(chunk)
            if lost:
                self._count(lost)
            elif self._dropped:
                self._tell_dropped()

    def _tell_dropped(self) -> None:
        with self._lock:
            count, self._dropped = self._dropped, 0
        if self._write(self._report(count)):
            self._count(count)

    def _count(self, lost: int) -> None:
        with self._lock:
            self._dropped += lost

    def _write(self, chunk: bytes) -> int:
        """Write all of it, after the rest of a line that an error cut in two.

        Return how many lines of the chunk are lost.
        """
        data = self._torn + chunk
        written = 0
        while written < len(data):
            try:
                written += os.write(self.descriptor, memoryview(data)[written:])
            except BlockingIOError:  # somebody made our stdout non-blocking
                _wait_writable(self.descriptor)
            except OSError:
                return self._give_up(data, written)
        self._torn = b""
        return 0

    def _give_up(self, data: bytes, written: int) -> int:
        """Keep the rest of the line that was cut, so that a later write completes it."""
        kept = len(self._torn)
        if written:
            line_ended = data[written - 1 : written] == b"\n"
            kept = written if line_ended else data.index(b"\n", written) + 1
            self._torn = data[written:kept]
        return data.count(b"\n", kept)


def _chunks(lines: list[bytes]) -> list[bytes]:
    chunks: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        if waiting and size + len(line) > CHUNK_BYTES:
            chunks.append(b"".join(waiting))
            waiting, size = [], 0
        waiting.append(line)
        size += len(line)
    return [*chunks, b"".join(waiting)] if waiting else chunks


def _wait_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(1000)
