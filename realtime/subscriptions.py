"""One connection to Redis that is subscribed to whatever this process wants to hear.

It comes back by itself after an outage, subscribes again to everything, and tells: messages may
have been missed meanwhile, and whoever needs them all has to look them up.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import structlog
from redis.exceptions import RedisError

from core.redis import Store, StoreUnavailableError

log = structlog.get_logger(__name__)

Arrived = Callable[[str, bytes], None]
Resumed = Callable[[], None]

CONFIRM_SECONDS = 1.0
"""How long a new subscription may take; longer means that the store is away."""
SILENCE_SECONDS = 10.0
"""A connection on which nothing came for so long, not even the answer to a ping, is dead."""
PING_SECONDS = 4.0
PAUSES_SECONDS = (0.05, 2.0)
"""Between two tries to connect: at first, and at most."""
BATCH = 500
"""Names in one SUBSCRIBE."""


class Subscriptions:
    """Belongs to one event loop."""

    def __init__(self, store: Store, arrived: Arrived) -> None:
        self.resumed: list[Resumed] = []
        """Called after an outage, once everything is subscribed to again."""
        self._store, self._arrived = store, arrived
        self._wanted: dict[str, asyncio.Event] = {}
        """By name; set while the server has confirmed it."""
        self._unconfirmed: Counter[str] = Counter()
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None

    async def add(self, name: str) -> None:
        """Return once everything published from now on arrives.

        Raises StoreUnavailableError; the name is wanted all the same, until it is dropped.
        """
        confirmed = self._wanted.get(name)
        if confirmed is None:
            confirmed = self._wanted[name] = asyncio.Event()
            await self._say("SUBSCRIBE", name)
        if self._task is None:
            self._task = asyncio.create_task(self._keep_connected())
        if confirmed.is_set():
            return
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await confirmed.wait()
        except TimeoutError:
            raise StoreUnavailableError("Redis did not confirm a subscription") from None

    async def drop(self, name: str) -> None:
        if self._wanted.pop(name, None) is not None:
            await self._say("UNSUBSCRIBE", name)

    async def _say(self, command: str, *names: str) -> None:
        """Send a command; a connection that breaks under it is made anew."""
        connection = self._connection
        if connection is None:
            return
        if command == "SUBSCRIBE":
            self._unconfirmed.update(names)
        try:
            await connection.send_command(command, *(self._store.scope + name for name in names))
        except (RedisError, OSError, RuntimeError):
            self._connection = None
            await connection.disconnect(nowait=True)

    async def _keep_connected(self) -> None:
        shortest, longest = PAUSES_SECONDS
        pause, is_first = shortest, True
        while True:
            connection = self._store.new_connection()
            try:
                await self._subscribe(connection)
                pause = shortest
                if not is_first:
                    log.info("realtime.subscriptions_resumed", count=len(self._wanted))
                    self._tell()
                is_first = False
                await self._listen(connection)
            except (RedisError, OSError, RuntimeError) as error:
                log.warning("realtime.subscriptions_interrupted", error=str(error))
            finally:
                self._interrupted()
                await connection.disconnect(nowait=True)
                await asyncio.sleep(0)  # for the transport to close, should the loop end now
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
            pause = min(pause * 2, longest)

    async def _subscribe(self, connection: Any) -> None:
        await connection.connect()
        self._connection = connection
        names = iter(list(self._wanted))
        while batch := list(islice(names, BATCH)):
            await self._say("SUBSCRIBE", *batch)

    async def _listen(self, connection: Any) -> None:
        pings = asyncio.create_task(self._ping(connection))
        try:
            while True:
                reply = await connection.read_response(timeout=SILENCE_SECONDS)
                kind = reply[0]
                if kind == b"message":
                    self._arrived(self._name(reply[1]), reply[2])
                elif kind == b"subscribe":
                    self._confirm(self._name(reply[1]))
        finally:
            pings.cancel()

    async def _ping(self, connection: Any) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await connection.send_command("PING")

    def _name(self, heard: bytes) -> str:
        return heard.decode().removeprefix(self._store.scope)

    def _confirm(self, name: str) -> None:
        self._unconfirmed[name] -= 1
        if self._unconfirmed[name] <= 0:
            del self._unconfirmed[name]
            if name in self._wanted:
                self._wanted[name].set()

    def _interrupted(self) -> None:
        self._connection = None
        self._unconfirmed.clear()
        for confirmed in self._wanted.values():
            confirmed.clear()

    def _tell(self) -> None:
        for resumed in self.resumed:
            resumed()
