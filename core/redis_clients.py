"""redis-py's clients without what we never want of them.

Theirs take each command through a retry and report it to a telemetry that is off. That was a sixth
of what a command costs in a thread, a third in a coroutine. Pipelines and subscriptions are
redis-py's own.
"""

import asyncio
from typing import Any

import redis
import redis.asyncio


class Client(redis.Redis):
    def execute_command(self, *args: Any, **options: Any) -> Any:
        connection: Any = self.connection_pool.get_connection()
        try:
            # A connection that failed, or whose answer was not read, closes as this raises.
            connection.send_command(*args)
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]
        finally:
            self.connection_pool.release(connection)


class AsyncClient(redis.asyncio.Redis):
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        connection: Any = await self.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_command(*args)
            return await self.parse_response(connection, args[0], **options)
        finally:
            await self.connection_pool.release(connection)


class AsyncPool(redis.asyncio.ConnectionPool):
    """Who finds all connections taken waits in a line, for `timeout` seconds at most.

    redis-py's own that waits takes a lock and sets a timer for every command. And when an idle
    connection was reset, it looks for an end of file, which a reset leaves out: the next command
    would fail.
    """

    def __init__(self, *, timeout: float, **options: Any) -> None:
        super().__init__(**options)
        self._timeout = timeout
        self._free = asyncio.Semaphore(self.max_connections)

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        await self._room()
        connection: Any = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        try:
            self._in_use_connections.remove(connection)
            if connection.should_reconnect():
                await connection.disconnect()
            self._available_connections.append(connection)
        finally:
            self._free.release()

    async def ensure_connection(self, connection: Any) -> None:
        writer = connection._writer
        if writer is not None and writer.transport.is_closing():
            await connection.disconnect()
        await super().ensure_connection(connection)

    async def _room(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # at once
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise redis.ConnectionError("every connection is taken") from None
