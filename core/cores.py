"""Keeping the threads of one process on one core, wherever there is room for it.

Python runs one thread at a time. Spread over cores, threads that take turns carry the interpreter's
state from one core's cache to the next at every turn, and a request takes four turns and more: a
third of a list's CPU (docs/explanation/performance.md). The kernel can't know that; so the server
says so, and now and then lets the kernel choose another core.
"""

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")

_gathered_from: set[int] | None = None
"""The cores this process may use, while its threads are kept on one of them."""


def can_gather() -> bool:
    """Tell whether it is of use: on Linux, with a choice of cores."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


def scatter() -> None:
    """Let the calling thread run on any core again: the kernel picks an idle one when it wakes."""
    if _gathered_from is not None:
        _run_on(0, _gathered_from)


def gather() -> None:
    """Bring all threads to the core that the calling one runs on; new ones begin there."""
    global _gathered_from
    if _gathered_from is None:
        _gathered_from = os.sched_getaffinity(0)
    core = ctypes.CDLL(None).sched_getcpu()
    for thread in THREADS.iterdir():
        _run_on(int(thread.name), {core})


@contextmanager
def anywhere() -> Generator[None]:
    """Run long work that lets go of the interpreter beside the others, not among them."""
    if _gathered_from is None:
        yield
        return
    home = os.sched_getaffinity(0)
    scatter()
    try:
        yield
    finally:
        _run_on(0, home)


def _run_on(thread_id: int, cores: set[int]) -> None:
    with suppress(OSError):  # the thread has ended, or the cores were taken from the process
        os.sched_setaffinity(thread_id, cores)
