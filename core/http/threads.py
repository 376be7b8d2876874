"""The way from the event loop to Django: one hop to a thread, and one back with the whole answer.

a2wsgi, whose reading of requests this keeps, waits for the loop at the head of an answer, at each
part and at the end (measured in docs/explanation/performance.md). Here a stream alone takes further
hops: one to make each part. While a part is on its way to the reader no thread waits for it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import Context, copy_context
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any, TypeVar

from a2wsgi.wsgi import build_environ

from core.http.body import Message, Receive, Scope, Send

T = TypeVar("T")

read_request: Any = build_environ  # annotated with classes of a2wsgi's own

PATIENCE_SECONDS = 30.0
"""How long the reader of a stream may take nothing of it before it is cut off."""


class InThreads:
    """ASGI: runs a WSGI application of Django's in a pool of threads.

    Expects the body in one message, as BodyGuard hands it on.
    """

    def __init__(
        self, application: Any, *, threads: int, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.application, self.patience_seconds = application, patience_seconds
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        exchange = Exchange(self.application)
        environ = read_request(scope, BytesIO(body))
        # A fresh context for every request: nothing that one of them binds is there for the next.
        context = copy_context()
        whole = await self.in_thread(partial(context.run, exchange.answer, environ))
        if exchange.stream is not None:
            await self.send_stream(Stream(exchange, context), receive, send)
        for message in whole:
            await send(message)

    def in_thread(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self.pool, work)

    async def send_stream(self, stream: "Stream", receive: Receive, send: Send) -> None:
        """Send parts as they come; stop when the client is gone. Raises TimeoutError for one that
        stays and reads nothing, which ends its connection.
        """
        gone = asyncio.ensure_future(receive())
        try:
            await send(stream.head)
            while (body := await self.in_thread(stream.next)) is not None and not gone.done():
                await asyncio.wait_for(send(part(body, more=True)), self.patience_seconds)
        finally:
            gone.cancel()
            await asyncio.shield(self.in_thread(stream.close))


class Exchange:
    """One request and its answer, on the side of the thread."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.head: Message = {}
        self.stream: Any = None
        """The answer, where it is one that is made while it is sent."""

    def start_response(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.head = {"type": "http.response.start", "status": int(status[:3]), "headers": raw}

    def answer(self, environ: dict[str, Any]) -> Iterable[Message]:
        """Return what can be sent as it is: all of an answer, or the end of a stream."""
        response = self.application(environ, self.start_response)
        if response.streaming:
            self.stream = response
            return [part(b"")]
        with closing(response):
            return [self.head, part(b"".join(response))]


class Stream:
    """The parts of an answer, each made by whichever thread is free."""

    def __init__(self, exchange: Exchange, context: Context) -> None:
        self.head, self.response = exchange.head, exchange.stream
        self.parts: Iterator[bytes] = iter(self.response)
        self.context = context
        self.lock = Lock()
        """One that is cancelled is closed while its last part may still be in the making."""

    def next(self) -> bytes | None:
        with self.lock:
            return self.context.run(next, self.parts, None)

    def close(self) -> None:
        with self.lock:
            self.context.run(self.response.close)


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
