"""The way from the event loop to Django: one hop to a thread, and one back with the whole answer.

a2wsgi, whose reading of requests this keeps, waits for the loop at the head of an answer, at each
part and at the end (measured in docs/explanation/performance.md). Here only a stream does that.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from functools import partial
from io import BytesIO
from typing import Any

from a2wsgi.wsgi import build_environ

from core.http.body import Message, Receive, Scope, Send

read_request: Any = build_environ  # annotated with classes of a2wsgi's own


class InThreads:
    """ASGI: runs a WSGI application of Django's in a pool of threads.

    Expects the body in one message, as BodyGuard hands it on.
    """

    def __init__(self, application: Any, *, threads: int) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        exchange = Exchange(self.application, receive, send)
        environ = read_request(scope, BytesIO(body))
        # A fresh context for every request: nothing that one of them binds is there for the next.
        work = partial(copy_context().run, exchange.answer, environ)
        for message in await exchange.loop.run_in_executor(self.pool, work):
            await send(message)


class Exchange:
    """One request and its answer, on the side of the thread."""

    def __init__(self, application: Any, receive: Receive, send: Send) -> None:
        self.application, self.receive, self.send = application, receive, send
        self.loop = asyncio.get_running_loop()
        self.head: Message = {}

    def start_response(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.head = {"type": "http.response.start", "status": int(status[:3]), "headers": raw}

    def answer(self, environ: dict[str, Any]) -> Iterable[Message]:
        """Return the messages that are still to be sent."""
        with closing(self.application(environ, self.start_response)) as response:
            if response.streaming:
                self.stream(response)
                return [part(b"")]
            return [self.head, part(b"".join(response))]

    def stream(self, chunks: Iterable[bytes]) -> None:
        """Send parts as they come; stop when the client is gone."""
        gone = asyncio.run_coroutine_threadsafe(self.receive(), self.loop)
        try:
            self.send_now(self.head)
            for chunk in chunks:
                if gone.done():
                    return
                self.send_now(part(chunk, more=True))
        finally:
            gone.cancel()

    def send_now(self, message: Message) -> None:
        asyncio.run_coroutine_threadsafe(self.send(message), self.loop).result()


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
