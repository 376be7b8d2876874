"""Handing a message to a consumer in place: no task, no thread hop, no queue while it keeps up.

A handler is a coroutine as in any Channels consumer. It is stepped once where the message arrives;
nearly every handler comes to its end in that step, because writing to a socket that keeps up does
not wait. One that waits goes on in a task of its own, and what arrives meanwhile lines up behind
it, so that the order stays. Handlers that run so must not rely on `asyncio.current_task()`, and
with it on `asyncio.timeout()`: the first step runs in the task that reads from Redis.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Message = dict[str, Any]
Handler = Callable[[Message], Coroutine[Any, Any, None]]


class Line:
    """What waits for one consumer. Bounded in messages and in bytes; beyond that it overflows."""

    def __init__(
        self, handle: Handler, *, overflowed: Callable[[], None], messages: int, size: int
    ) -> None:
        self.waiting: deque[tuple[Message, int]] = deque()
        self.waiting_bytes = 0
        self._handle, self._overflowed = handle, overflowed
        self._messages, self._size = messages, size
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    def put(self, message: Message) -> None:
        """Handle the message now, or when its turn comes."""
        if self._is_over:
            return
        if self._task is not None:
            self._queue(message)
            return
        running = self._handle(message)
        try:
            waits_for = running.send(None)
        except StopIteration:
            return
        except OSError:
            self._is_over = True
            return
        except Exception:
            log.exception("realtime.handler_failed", kind=message.get("type"))
            return
        self._task = asyncio.get_running_loop().create_task(self._work(running, waits_for))

    def drop(self, is_lost: Callable[[Message], bool]) -> None:
        """Forget what waits and is not to be handled any more."""
        kept = [(message, size) for message, size in self.waiting if not is_lost(message)]
        self.waiting.clear()
        self.waiting.extend(kept)
        self.waiting_bytes = sum(size for _, size in kept)

    async def rest(self) -> None:
        """Return once nothing waits: for who has much to say, at the pace of the reader."""
        while self._task is not None:
            await asyncio.wait({self._task})

    def close(self) -> None:
        """Handle nothing any more; and let go of the consumer, which has this line in turn."""
        self._is_over = True
        self._handle, self._overflowed = _nothing, lambda: None
        self.waiting.clear()
        self.waiting_bytes = 0
        if self._task is not None:
            self._task.cancel()

    def _queue(self, message: Message) -> None:
        text = message.get("text", "")
        size = len(text) if text.isascii() else len(text.encode())
        self.waiting.append((message, size))
        self.waiting_bytes += size
        if len(self.waiting) > self._messages or self.waiting_bytes > self._size:
            overflowed = self._overflowed
            self.close()
            overflowed()

    async def _work(self, first: Coroutine[Any, Any, None], waits_for: Any) -> None:
        try:
            await self._guarded(_resumed(first, waits_for), None)
            while self.waiting:
                message, size = self.waiting.popleft()
                self.waiting_bytes -= size
                await self._guarded(self._handle(message), message)
        finally:
            self._task = None

    async def _guarded(self, running: Any, message: Message | None) -> None:
        try:
            await running
        except OSError:
            self._is_over = True  # the peer is gone, which its consumer hears in its own way
        except Exception:
            log.exception("realtime.handler_failed", kind=message and message.get("type"))


async def _nothing(message: Message) -> None:
    """What becomes of a message for a consumer that is gone."""


@coroutine
def _resumed(running: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was stepped once and waits for something."""
    try:
        while True:
            try:
                value = yield waits_for
            except BaseException as error:
                waits_for = running.throw(error)
            else:
                waits_for = running.send(value)
    except StopIteration:
        return
