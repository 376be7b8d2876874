"""The worker: threads that claim jobs, run them, and keep saying that they live.

Why not procrastinate's own worker: it ends when PostgreSQL goes away, waits without end for a
running job when it stops, and leaves a job whose end it could not write in `doing` for ever. Its
tables, its claiming SQL and its notifications are what we stand on.
"""

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
    transaction,
)
from django.utils import timezone

from core.jobs import registry, repositories, runner
from core.jobs.clock import Clock
from core.jobs.listener import Listener
from core.jobs.liveness import Liveness
from core.jobs.outage import Outage
from core.jobs.records import StoredJob
from core.jobs.timing import timing
from core.logging import flush

log = structlog.get_logger(__name__)

T = TypeVar("T")

STOP_WRITING_SECONDS = 4.0
"""What the last words to the database get when it does not answer: 20 + 4 stays under 30."""


class StoppingError(Exception):
    """The worker ends before an outcome could be written; others will find the job."""


class Worker:
    """One process's share of the work. `run` returns after SIGTERM or SIGINT."""

    def __init__(self, *, queues: Sequence[str] | None, concurrency: int) -> None:
        self.queues = queues
        self.concurrency = concurrency
        self.stopping = threading.Event()
        self.given_up = threading.Event()
        """Nothing waits for the database any longer."""
        self.wake = threading.Event()
        self.outage = Outage()
        self.liveness = Liveness(running=self.running_ids, outage=self.outage)
        self._free = threading.Semaphore(concurrency)
        self._handed: queue.SimpleQueue[StoredJob | None] = queue.SimpleQueue()
        self._running: dict[int, StoredJob] = {}
        self._idle = threading.Condition()

    def run(self) -> bool:
        """Work until told to end. True when every job had ended by itself."""
        registry.load()
        with Signals() as signals:
            threads = self._start()
            log.info("worker.started", queues=self.queues or "all", concurrency=self.concurrency)
            signals.wait()
            log.info("worker.stopping", running=len(self._running))
            return self._stop(threads, signals)

    def running_ids(self) -> set[int]:
        with self._idle:
            return set(self._running)

    # -- Threads -----------------------------------------------------------------------------------

    def _start(self) -> list[threading.Thread]:
        clock = Clock(outage=self.outage)
        listener = Listener(queues=self.queues, heard=self.wake.set)
        loops: dict[str, Callable[[], float]] = {
            "liveness": self.liveness.step,
            "clock": clock.step,
            "dispatch": self._dispatch,
        }
        threads = [self._thread(name, self._repeat, step) for name, step in loops.items()]
        threads.append(self._thread("listener", listener.run, self.stopping))
        threads += [self._thread(f"job-{n}", self._work) for n in range(self.concurrency)]
        return threads

    def _thread(self, name: str, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        thread.start()
        return thread

    def _repeat(self, step: Callable[[], float]) -> None:
        """Call a step, then wait as many seconds as it returns, until the worker stops."""
        while not self.stopping.is_set():
            try:
                close_old_connections()
                pause = step()
            except (DatabaseError, InterfaceError) as error:
                self.outage.begun(error)
                pause = 1.0
            except Exception:
                log.exception("worker.step_failed")
                pause = 1.0
            self.stopping.wait(pause)
        connections.close_all()

    # -- Claiming and running ----------------------------------------------------------------------

    def _dispatch(self) -> float:
        """Claim jobs as long as there are any and a thread is free for them."""
        worker_id = self.liveness.worker_id
        if worker_id is None:
            return 0.1  # not registered yet
        free = self._take_room()
        if not free:
            return 0.0
        self.wake.clear()
        claimed: list[StoredJob] = []
        try:
            claimed = self._claim(worker_id, limit=free)
        finally:
            for _ in range(free - len(claimed)):
                self._free.release()
        with self._idle:
            self._running.update((stored.id, stored) for stored in claimed)
        for stored in claimed:
            self._handed.put(stored)
        if not claimed:
            self.wake.wait(timing().poll)
        return 0.0

    def _take_room(self) -> int:
        """Take all threads that are free, after waiting a moment for one; return how many."""
        taken = int(self._free.acquire(timeout=0.5))
        while taken and self._free.acquire(blocking=False):
            taken += 1
        return taken

    def _claim(self, worker_id: int, *, limit: int) -> list[StoredJob]:
        try:
            claimed = self._claim_one_suspect_at_most(worker_id, limit=limit)
        except IntegrityError:
            # Somebody claimed a job with the same lock in this instant, or this worker has been
            # forgotten and is about to be registered anew. Either passes.
            time.sleep(0.1)
            return []
        self.outage.over()
        return claimed

    def _claim_one_suspect_at_most(self, worker_id: int, *, limit: int) -> list[StoredJob]:
        """Leave a suspect in the queue while another runs here: its death would count for both."""
        with self._idle:
            has_suspect = any(map(runner.is_suspect, self._running.values()))
        if not has_suspect:
            return repositories.claim(queues=self.queues, worker_id=worker_id, limit=limit)
        with transaction.atomic():
            claimed = repositories.claim(queues=self.queues, worker_id=worker_id, limit=limit)
            if claimed and runner.is_suspect(claimed[-1]):  # only the last can be one
                at = timezone.now() + timedelta(seconds=timing().heartbeat)
                repositories.put_back(claimed.pop(), at=at, attempted=False)
        return claimed

    def _work(self) -> None:
        while (stored := self._handed.get()) is not None:
            try:
                self._run(stored)
            except StoppingError:
                log.warning("job.outcome_not_written", job_id=stored.id, job=stored.name)
            except Exception:
                log.exception("worker.runner_failed", job_id=stored.id, job=stored.name)
            finally:
                self._ended(stored)
        connections.close_all()

    def _run(self, stored: StoredJob) -> None:
        if self.stopping.is_set():
            self._persist(lambda: repositories.put_back(stored, at=None, attempted=False))
        else:
            runner.run(stored, persist=self._persist)

    def _ended(self, stored: StoredJob) -> None:
        with self._idle:
            self._running.pop(stored.id, None)
            self._idle.notify_all()
        self._free.release()
        if stored.lock is not None:
            self.wake.set()  # the next with this lock may run now

    def _persist(self, write: Callable[[], T]) -> T:
        """Write, again and again while the database is away. Raises StoppingError at the end."""
        while not self.given_up.is_set():
            try:
                close_old_connections()
                return write()
            except (OperationalError, InterfaceError) as error:
                self.outage.begun(error)
                self.given_up.wait(0.5)
            except IntegrityError:  # a twin with the same queueing lock came in this instant
                self.given_up.wait(0.1)
        raise StoppingError

    # -- Ending ------------------------------------------------------------------------------------

    def _stop(self, threads: list[threading.Thread], signals: "Signals") -> bool:
        self.stopping.set()
        self.wake.set()
        deadline = time.monotonic() + timing().grace
        while self._running and time.monotonic() < deadline and not signals.again():
            with self._idle:
                self._idle.wait(0.2)
        # Jobs go back before their threads are let go: nobody here may take one up again.
        clean = not self._running
        self._in_time(self.liveness.leave)
        self.given_up.set()
        for _ in range(self.concurrency):
            self._handed.put(None)
        for thread in threads:
            thread.join(0.2 if clean else 0)
        log.info("worker.stopped", jobs_put_back=len(self._running))
        return clean

    def _in_time(self, act: Callable[[], None]) -> None:
        """Do a last thing in the database, but not for longer than there is time."""
        thread = threading.Thread(target=self._last, args=[act], daemon=True)
        thread.start()
        thread.join(STOP_WRITING_SECONDS)

    def _last(self, act: Callable[[], None]) -> None:
        try:
            self._persist(act)
        except StoppingError:
            pass
        finally:
            connections.close_all()


class Signals:
    """Waits for SIGTERM and SIGINT in the main thread.

    The handler does nothing: Python writes the signal's number to a socket and we read it. An event
    set from a handler could deadlock with the very thread it interrupts.
    """

    def __enter__(self) -> "Signals":
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = {
            number: signal.signal(number, lambda *_: None)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        self._fd_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def wait(self) -> None:
        self._reader.setblocking(True)
        while not self._is_end(self._reader.recv(16)):
            continue  # another signal, such as SIGCHLD of a job's child, is written here too

    def again(self) -> bool:
        """Tell, without waiting, whether somebody is in a hurry and has signalled once more."""
        self._reader.setblocking(False)
        try:
            return signal.SIGINT in self._reader.recv(16)
        except BlockingIOError:
            return False

    @staticmethod
    def _is_end(numbers: bytes) -> bool:
        return bool({signal.SIGTERM, signal.SIGINT} & set(numbers))


def leave_process(code: int) -> None:
    """End without waiting for threads: a job that does not end in time can't be interrupted."""
    flush()
    os._exit(code)
