"""The size guard: no request body is taken in beyond settings.MAX_BODY_BYTES, whatever it declares.

Both gates read the body before a thread is given to the request (so a slow sender holds none), and
hand it on with its true length. Of a body over the limit they hand on the length alone; the view
then answers 413. The stock handlers stream a chunked body past any limit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import quote_from_bytes

from django.conf import settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE_SECONDS = 8.0
"""How long a body may take to arrive; what came until then is judged as the whole of it."""


class ClientGone(Exception):
    """The client left before its request was complete."""


class BodyGuard:
    """ASGI: reads the body on the event loop, then calls the app with it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body, size = await _read(receive, declared=_declared_length(scope))
        except ClientGone:
            return
        complete = {"type": "http.request", "body": body, "more_body": False}
        waiting = iter([complete])

        async def replay() -> MutableMapping[str, Any]:
            return next(waiting, None) or await receive()

        await self.app(_with_length(scope, size), replay, send)


async def _read(receive: Receive, *, declared: int) -> tuple[bytes, int]:
    """Return the body and its length; of one over the limit, nothing and a length over it."""
    if declared > settings.MAX_BODY_BYTES:
        return b"", declared
    body = bytearray()
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _read_more(receive, body) and len(body) <= settings.MAX_BODY_BYTES:
                pass
    return bytes(body) if len(body) <= settings.MAX_BODY_BYTES else b"", len(body)


async def _read_more(receive: Receive, body: bytearray) -> bool:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body += message.get("body", b"")
    return bool(message.get("more_body", False))


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return 0


def _with_length(scope: Scope, size: int) -> Scope:
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name not in {b"content-length", b"transfer-encoding"}
    ]
    if size or any(name == b"content-length" for name, _ in scope["headers"]):
        kept.append((b"content-length", str(size).encode()))
    query = quote_from_bytes(scope["query_string"], safe="%&=+,;:@/?!$'()*[]~-._\"<>\\^`{|} #")
    return {**scope, "headers": kept, "query_string": query.encode()}


def guarded(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """WSGI: give a chunked body the length that it turned out to have."""

    def with_length(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ:
            body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
            environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return app(environ, start_response)

    return with_length
