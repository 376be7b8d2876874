"""Asking the database for many coroutines at once.

While one query runs, the questions that come meanwhile gather and are asked together by the next:
thousands of clients that come back in the same second cost a few statements, not thousands. The
queries run on threads of their own, so that sockets hold no more connections than these.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections

K = TypeVar("K")
V = TypeVar("V")
P = ParamSpec("P")
R = TypeVar("R")

THREADS = 2
MOST = 1000
"""Questions in one statement."""

_executor = ThreadPoolExecutor(THREADS, "realtime")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run synchronous code that asks the database, or changes it through a service."""

    def run() -> R:
        close_old_connections()
        return function(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_executor, run)


class Batch(Generic[K, V]):
    """Answers of one kind, by key. `load` takes some keys and returns what it finds of them.

    Each event loop has its own questions: synchronous code may ask by `async_to_sync`.
    """

    def __init__(self, load: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._load = load
        self._rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds[K, V]] = (
            WeakKeyDictionary()
        )

    async def get(self, key: K) -> V | None:
        """Return None for what is not there. Raises what the database raises."""
        loop = asyncio.get_running_loop()
        rounds = self._rounds.get(loop)
        if rounds is None:
            rounds = self._rounds.setdefault(loop, _Rounds(self._load))
        return await rounds.get(key)


class _Rounds(Generic[K, V]):
    """The questions of one event loop."""

    def __init__(self, load: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._load = load
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:MOST]
            asked = {key: self._waiting.pop(key) for key in keys}
            try:
                found = await in_thread(self._load, keys)
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # retrieved: whoever asked may have gone
            else:
                for key, future in asked.items():
                    future.set_result(found.get(key))
        self._task = None
