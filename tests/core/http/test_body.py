import asyncio
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings

from core.http import body
from core.http.body import BodyGuard, guarded


class Recorder:
    """An ASGI app that keeps what reaches it."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.body: bytes | None = None
        self.query = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = dict(scope["headers"])
        self.query = scope["query_string"]
        self.body = (await receive())["body"]


async def send(message: Any) -> None:
    raise AssertionError("the guard itself answers nothing")


async def through(
    chunks: Iterable[bytes], headers: list[tuple[bytes, bytes]], query: bytes = b""
) -> Recorder:
    recorder = Recorder()
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Any:
        return next(waiting)

    scope = {"type": "http", "headers": headers, "query_string": query}
    await BodyGuard(recorder)(scope, receive, send)
    return recorder


async def test_a_chunked_body_gets_its_length() -> None:
    recorder = await through([b"ab", b"cd"], [(b"transfer-encoding", b"chunked")])

    assert recorder.body == b"abcd"
    assert recorder.headers == {b"content-length": b"4"}


async def test_a_chunked_body_over_the_limit_is_not_taken_in() -> None:
    taken = 0

    def endless() -> Iterable[bytes]:
        nonlocal taken
        while True:
            taken += 65_536
            yield b" " * 65_536

    recorder = Recorder()
    chunks = iter(endless())

    async def receive() -> Any:
        return {"type": "http.request", "body": next(chunks), "more_body": True}

    scope = {"type": "http", "headers": [], "query_string": b""}
    await BodyGuard(recorder)(scope, receive, send)

    assert recorder.body == b""
    assert int(recorder.headers[b"content-length"]) > settings.MAX_BODY_BYTES
    assert taken <= settings.MAX_BODY_BYTES + 2 * 65_536


async def test_a_body_that_declares_too_much_is_not_read() -> None:
    recorder = Recorder()

    async def receive() -> Any:
        raise AssertionError("it was read")

    scope = {"type": "http", "headers": [(b"content-length", b"9" * 30)], "query_string": b""}

    await BodyGuard(recorder)(scope, receive, send)

    assert int(recorder.headers[b"content-length"]) > settings.MAX_BODY_BYTES


async def test_a_caller_who_leaves_halfway_calls_nothing() -> None:
    recorder = Recorder()

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "headers": [], "query_string": b""}
    await BodyGuard(recorder)(scope, receive, send)

    assert recorder.body is None


async def test_a_body_that_stops_coming_is_judged_as_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "PATIENCE_SECONDS", 0.05)
    recorder = Recorder()
    first = iter([{"type": "http.request", "body": b'{"a"', "more_body": True}])

    async def receive() -> Any:
        message = next(first, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    scope = {"type": "http", "headers": [(b"content-length", b"100")], "query_string": b""}
    await BodyGuard(recorder)(scope, receive, send)

    assert recorder.body == b'{"a"'
    assert recorder.headers == {b"content-length": b"4"}


async def test_raw_bytes_in_a_query_are_quoted() -> None:
    recorder = await through([], [], query=b"a=\xff&b=%20")

    assert recorder.query == b"a=%FF&b=%20"


def wsgi_app(seen: dict[str, Any]) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(length=environ["CONTENT_LENGTH"], body=environ["wsgi.input"].read())
        return [b""]

    return app


def test_wsgi_gives_a_chunked_body_its_length_too() -> None:
    seen: dict[str, Any] = {}
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(b"abcd")}

    guarded(wsgi_app(seen))(environ, None)

    assert seen == {"length": "4", "body": b"abcd"}
