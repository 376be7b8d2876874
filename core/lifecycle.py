"""How processes of ours begin and end."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable

LOOK_SECONDS = 0.5
PARENT_VARIABLE = "TENANTRY_PARENT_PID"
"""Set by whoever starts a child that ends with its parent; the child may be slow to look."""


def exit_with_parent() -> None:
    """From now on end this process gracefully when whoever started it dies.

    For children of `manage.py dev` and of tests: a killed parent must leave nothing behind.
    PR_SET_PDEATHSIG would do it without looking, but on Linux alone, and it goes by the thread.
    """
    # Python takes a second to come here. A parent that died in it is told by the variable alone,
    # which is taken away, for it would be wrong for children of our own.
    parent = int(os.environ.pop(PARENT_VARIABLE, "0")) or os.getppid()
    threading.Thread(target=_watch, args=[parent], name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


_preparations: list[Callable[[], Awaitable[None]]] = []


def before_the_start(preparation: Callable[[], Awaitable[None]]) -> None:
    """Have a coroutine awaited by a server before it accepts anything."""
    _preparations.append(preparation)


async def prepare() -> None:
    await asyncio.gather(*(preparation() for preparation in _preparations))


_draining = threading.Event()


def start_draining() -> None:
    """From now on /health/ready answers 503, so that the balancer sends no more; requests go on."""
    _draining.set()


def is_draining() -> bool:
    return _draining.is_set()


_farewells: list[Callable[[], Awaitable[None]]] = []


def before_the_end(farewell: Callable[[], Awaitable[None]]) -> None:
    """Have a coroutine awaited by a server that accepts nothing new any more, before it ends."""
    _farewells.append(farewell)


async def say_farewell() -> None:
    await asyncio.gather(*(farewell() for farewell in _farewells), return_exceptions=True)
