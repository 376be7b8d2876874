"""The way to Redis (or Valkey): bounded in time and in connections, behind a breaker.

    count = call(lambda client: client.get(key))
    count = await acall(lambda client: client.get(key))

Both raise StoreUnavailableError when the store is away, hangs, or is full; callers fall back.

What must not be believed once the store may have missed its end is stamped with the *epoch*, a key
of the store itself. It changes when the store was emptied, started anew (perhaps with what it held
before), or was found to be away: what bears another stamp is from before that.
"""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit
from uuid import uuid4

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    ExecAbortError,
    InvalidResponse,
    ReadOnlyError,
    ResponseError,
)

from core.breaker import Breaker
from core.breaker import StoreUnavailableError as StoreUnavailableError
from core.redis_clients import AsyncClient as AsyncClient
from core.redis_clients import AsyncPool
from core.redis_clients import Client as Client
from core.redis_scripts import Argument as Argument
from core.redis_scripts import Script as Script

T = TypeVar("T")

KEY_PREFIX: Final = "tenantry:"
TIMEOUT_SECONDS: Final = 0.25
MAX_CONNECTIONS: Final = 64
"""Of one process's threads together; further callers wait, for as long as a command may take."""
MAX_ASYNC_CONNECTIONS: Final = 256
"""Of one event loop: many more coroutines than threads ask at the same moment."""

_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "timeout": TIMEOUT_SECONDS,
    # With RESP3 redis-py listens for maintenance notices, and then no longer notices that an idle
    # connection died: after a restart of the server every one of them would fail once.
    "protocol": 2,
    "driver_info": None,  # saves two commands a connection
}
_UNAVAILABLE: Final = (
    redis.ConnectionError,  # refused, reset, LOADING, wrong password
    redis.TimeoutError,
    redis.OutOfMemoryError,
    ReadOnlyError,  # a replica after a failover
    ClusterDownError,
    ExecAbortError,
    InvalidResponse,
)
_UNAVAILABLE_REPLIES: Final = ("MISCONF", "NOREPLICAS", "BUSY", "LOADING", "OOM", "READONLY")
EPOCH: Final = f"{KEY_PREFIX}epoch"
_EPOCH_SECONDS: Final = 30 * 86_400
_RUN_ID: Final = re.compile(rb"run_id:([0-9a-f]+)")


def _means_unavailable(error: redis.RedisError) -> bool:
    return isinstance(error, _UNAVAILABLE) or str(error).startswith(_UNAVAILABLE_REPLIES)


class Store:
    """One server address in this process: its clients and their common breaker."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.scope = f"{urlsplit(url).path.strip('/') or 0}:"
        """Before every name of publish and subscribe, which know no databases of their own."""
        self.breaker = Breaker("redis")
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            retry=_no_retry(),
            redis_connect_func=self._greet,
            **_OPTIONS,
        )
        self._client = Client(connection_pool=pool)
        self._run_id = _unknown_run()
        # A connection belongs to the event loop that opened it.
        self._async_clients: dict[asyncio.AbstractEventLoop, AsyncClient] = {}
        self._keepers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}

    def call(self, command: Callable[[Client], T], *, insist: bool = False) -> T:
        breaker = self.breaker
        if not insist and breaker.must_probe():
            self._probe()
        seen = breaker.round
        try:
            return command(self._client)
        except redis.RedisError as error:
            self._judge(error, seen_in_round=seen)
            raise

    async def acall(self, command: Callable[[AsyncClient], Awaitable[T]]) -> T:
        breaker = self.breaker
        client = self._async_clients.get(asyncio.get_running_loop()) or await self._open()
        if breaker.must_probe():
            await self._aprobe(client)
        seen = breaker.round
        try:
            return await command(client)
        except redis.RedisError as error:
            self._judge(error, seen_in_round=seen)
            raise

    def new_connection(self) -> redis.asyncio.Connection:
        """Return a connection of the caller's own, not yet open, e.g. to subscribe with."""
        pool = AsyncPool.from_url(self.url, retry=_no_async_retry(), **_OPTIONS)
        made: redis.asyncio.Connection = pool.make_connection()  # type: ignore[no-untyped-call]
        return made

    def epoch(self, client: Client) -> bytes:
        """Return the epoch, and begin one where there is none."""
        mine = self._new_epoch()
        if client.set(EPOCH, mine, nx=True, ex=_EPOCH_SECONDS):
            return mine
        theirs: Any = client.get(EPOCH)
        return theirs or mine

    def close(self) -> None:
        self._client.close()

    def _greet(self, connection: Any) -> None:
        """Open a connection, and end the epoch of a server that was started since it began.

        An append-only file or a replica brings back what was there, and not what was ended while
        nobody could say so. Every connection looks: the first to find out may not be the first
        to read.
        """
        connection.on_connect()
        self._run_id = _run_of(connection)
        epoch = _ask(connection, "GET", EPOCH)
        if epoch and not epoch.startswith(self._run_id):
            _ask(connection, "DEL", EPOCH)

    def _new_epoch(self) -> bytes:
        return self._run_id + b":" + uuid4().hex.encode()

    def _judge(self, error: redis.RedisError, *, seen_in_round: int) -> None:
        if _means_unavailable(error):
            self.breaker.open(error, seen_in_round=seen_in_round)
            raise StoreUnavailableError(f"Redis is unavailable: {error}") from error

    # The probe writes, because a full or a read-only server still answers reads: with a read as
    # the probe the breaker would flap. It writes a new epoch, because of what could not be written
    # in the meantime.
    def _probe(self) -> None:
        try:
            self._client.set(EPOCH, self._new_epoch(), ex=_EPOCH_SECONDS)
        except BaseException as error:
            self._not_back(error)
            raise
        self.breaker.close()

    async def _aprobe(self, client: AsyncClient) -> None:
        try:
            await client.set(EPOCH, self._new_epoch(), ex=_EPOCH_SECONDS)
        except BaseException as error:
            self._not_back(error)
            raise
        self.breaker.close()

    def _not_back(self, error: BaseException) -> None:
        self.breaker.rest()
        if isinstance(error, redis.RedisError) and _means_unavailable(error):
            raise StoreUnavailableError(f"Redis is still unavailable: {error}") from error

    async def _open(self) -> AsyncClient:
        """Make this event loop's client, and see that it is closed with the loop.

        The loop closes its asynchronous generators as its last act; one that waits in a
        `finally` is the only notice of it that asyncio offers.
        """
        loop = asyncio.get_running_loop()
        pool = AsyncPool.from_url(
            self.url,
            max_connections=MAX_ASYNC_CONNECTIONS,
            retry=_no_async_retry(),
            **_OPTIONS,
        )
        client = cast(AsyncClient, AsyncClient.from_pool(pool))
        self._async_clients[loop] = client

        async def until_the_loop_ends() -> AsyncGenerator[None, None]:
            try:
                yield
            finally:
                del self._async_clients[loop], self._keepers[loop]
                await client.aclose()

        self._keepers[loop] = until_the_loop_ends()
        await anext(self._keepers[loop])
        return client


def _run_of(connection: Any) -> bytes:
    """Return what tells one start of the server from the next."""
    try:
        found = _RUN_ID.search(_ask(connection, "INFO", "server"))
    except ResponseError:  # we may not ask: every connection counts as one to a new server
        found = None
    return found[1] if found else _unknown_run()


def _unknown_run() -> bytes:
    return uuid4().hex.encode()


def _ask(connection: Any, *words: str) -> Any:
    connection.send_command(*words)
    return connection.read_response()


def _no_retry() -> redis.retry.Retry:
    return redis.retry.Retry(NoBackoff(), 0)


def _no_async_retry() -> redis.asyncio.retry.Retry:
    return redis.asyncio.retry.Retry(NoBackoff(), 0)


_stores: dict[str, Store] = {}
_stores_lock = threading.Lock()


def store() -> Store:
    """Return the store at settings.REDIS_URL."""
    found = _stores.get(settings.REDIS_URL)
    if found is None:
        with _stores_lock:
            found = _stores.setdefault(settings.REDIS_URL, Store(settings.REDIS_URL))
    return found


def call(command: Callable[[Client], T], *, insist: bool = False) -> T:
    """Run one command on the client of this process. Raises StoreUnavailableError.

    To `insist` is to try it also where earlier commands failed: a store that is full for them
    still deletes.
    """
    return store().call(command, insist=insist)


async def acall(command: Callable[[AsyncClient], Awaitable[T]]) -> T:
    """Run one command on the client of this event loop. Raises StoreUnavailableError."""
    return await store().acall(command)
