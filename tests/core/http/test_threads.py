"""The way to the threads, with applications that are not Django's whole: Django's answers do."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from core.http.threads import InThreads
from tests.servers import running

SECONDS = 10
bound: ContextVar[str] = ContextVar("bound", default="nothing")


class Client:
    """One request as an ASGI server makes it: its messages, and when it leaves."""

    def __init__(self, application: Any, *, path: str = "/", body: bytes = b"") -> None:
        self.application, self.path, self.body = application, path, body
        self.sent: list[dict[str, Any]] = []
        self.got_part, self.left = asyncio.Event(), asyncio.Event()
        self.began = False

    async def receive(self) -> dict[str, Any]:
        if not self.began:
            self.began = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.got_part.set()

    async def run(self) -> list[dict[str, Any]]:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self.path,
            "query_string": b"",
            "headers": [(b"content-length", str(len(self.body)).encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await asyncio.wait_for(self.application(scope, self.receive, self.send), SECONDS)
        return self.sent


def serving(respond: Callable[[dict[str, Any]], HttpResponseBase], **options: float) -> InThreads:
    """Return what serves a function from environ to one of Django's responses, on one thread."""

    def application(environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        response = respond(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return response

    return InThreads(application, threads=1, **options)


async def test_a_plain_answer_is_a_head_and_one_part() -> None:
    def echo(environ: dict[str, Any]) -> HttpResponse:
        return HttpResponse(environ["wsgi.input"].read()[::-1], "text/plain", 201)

    head, body = await Client(serving(echo), body=b"abc").run()

    assert (head["type"], head["status"]) == ("http.response.start", 201)
    assert (b"content-type", b"text/plain") in head["headers"]
    assert body == {"type": "http.response.body", "body": b"cba", "more_body": False}


async def test_a_stream_goes_out_in_the_parts_it_comes_in() -> None:
    parts = iter([b"one", b"two", b"three"])

    sent = await Client(serving(lambda _: StreamingHttpResponse(parts))).run()

    assert sent[0]["status"] == 200
    assert [(each["body"], each["more_body"]) for each in sent[1:]] == [
        (b"one", True),
        (b"two", True),
        (b"three", True),
        (b"", False),
    ]


async def test_a_part_is_sent_before_the_next_one_is_made() -> None:
    go_on = Event()

    def parts() -> Iterator[bytes]:
        yield b"first"
        assert go_on.wait(SECONDS)
        yield b"second"

    client = Client(serving(lambda _: StreamingHttpResponse(parts())))
    running_ = asyncio.create_task(client.run())
    await asyncio.wait_for(client.got_part.wait(), SECONDS)

    assert [each["body"] for each in client.sent[1:]] == [b"first"]
    go_on.set()
    await running_
    assert [each["body"] for each in client.sent[1:]] == [b"first", b"second", b""]


async def test_a_stream_ends_when_its_reader_leaves() -> None:
    closed = Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"more"
        finally:
            closed.set()

    released = Event()
    response: Any = StreamingHttpResponse(endless())
    response._resource_closers.append(released.set)  # as Django does with what a request opened
    client = Client(serving(lambda _: response))
    running_ = asyncio.create_task(client.run())
    await asyncio.wait_for(client.got_part.wait(), SECONDS)
    client.left.set()
    await running_

    assert closed.is_set()
    assert released.is_set()
    thread_is_free = await Client(serving(lambda _: HttpResponse(b"next"))).run()
    assert thread_is_free[1]["body"] == b"next"


class SlowReader(Client):
    """Takes the head and the first part, and nothing more until it is told to."""

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        self.reads_on = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        await super().send(message)
        if message.get("body"):
            await self.reads_on.wait()


async def test_who_reads_slowly_holds_no_thread() -> None:
    parts = iter([b"one", b"two"])
    application = serving(
        lambda environ: (
            HttpResponse(b"quick")
            if environ["PATH_INFO"] == "/quick"
            else StreamingHttpResponse(parts)
        )
    )
    slow = SlowReader(application)
    running_ = asyncio.create_task(slow.run())
    await asyncio.wait_for(slow.got_part.wait(), SECONDS)

    quick = await Client(application, path="/quick").run()

    assert quick[1]["body"] == b"quick"
    assert [each["body"] for each in slow.sent[1:]] == [b"one"]
    slow.reads_on.set()
    await running_
    assert [each["body"] for each in slow.sent[1:]] == [b"one", b"two", b""]


async def test_who_stays_and_reads_nothing_is_cut_off() -> None:
    closed = Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"more"
        finally:
            closed.set()

    slow = SlowReader(serving(lambda _: StreamingHttpResponse(endless()), patience_seconds=0.05))
    with pytest.raises(TimeoutError):
        await slow.run()

    assert closed.is_set()
    assert all(each.get("more_body", True) for each in slow.sent)


async def test_a_stream_whose_request_is_cancelled_is_closed() -> None:
    made, go_on, closed = Event(), Event(), Event()

    def parts() -> Iterator[bytes]:
        try:
            yield b"one"
            made.set()
            assert go_on.wait(SECONDS)
            yield b"two"
        finally:
            closed.set()

    application = serving(lambda _: StreamingHttpResponse(parts()))
    running_ = asyncio.create_task(Client(application).run())
    assert await asyncio.to_thread(made.wait, SECONDS)
    running_.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running_

    assert await asyncio.to_thread(closed.wait, SECONDS)


async def test_a_stream_that_breaks_is_not_ended_as_if_it_were_whole() -> None:
    closed = Event()

    def breaking() -> Iterator[bytes]:
        try:
            yield b"half"
            raise RuntimeError("the other half is missing")
        finally:
            closed.set()

    client = Client(serving(lambda _: StreamingHttpResponse(breaking())))
    with pytest.raises(RuntimeError, match="other half"):
        await client.run()

    assert closed.is_set()
    assert all(each.get("more_body", True) for each in client.sent)


async def test_what_breaks_before_its_answer_takes_no_thread_with_it() -> None:
    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError("before anything was sent")
        return HttpResponse(b"well")

    application = serving(respond)
    client = Client(application, path="/broken")
    with pytest.raises(RuntimeError, match="before anything"):
        await client.run()

    assert client.sent == []
    assert (await Client(application).run())[1]["body"] == b"well"


async def test_what_one_request_binds_is_not_there_for_the_next() -> None:
    def respond(environ: dict[str, Any]) -> HttpResponse:
        before = bound.get()
        bound.set(environ["PATH_INFO"])
        return HttpResponse(before)

    application = serving(respond)
    answers = [await Client(application, path=path).run() for path in ("/one", "/two")]

    assert [answer[1]["body"] for answer in answers] == [b"nothing", b"nothing"]
    assert bound.get() == "nothing"


async def test_what_its_caller_binds_is_there_for_the_request() -> None:
    bound.set("of the connection")

    answer = await Client(serving(lambda _: HttpResponse(bound.get()))).run()

    assert answer[1]["body"] == b"of the connection"


@pytest.mark.server
def test_a_connection_outlives_an_answer_that_is_an_error(db: None, tmp_path: Path) -> None:
    """A page whose database is away fails inside of Django; the connection serves what comes."""
    away = "postgres://nobody@127.0.0.1:1/none"
    with running(tmp_path / "log", DATABASE_URL=away) as server, server.connect() as connection:
        answers = []
        for path in ("/verify-email/token", "/problems"):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            answers.append(read_answer(connection.makefile("rb")))

    assert answers == [503, 200]


def read_answer(stream: Any) -> int:
    """Read one answer that has a Content-Length, to its end; return its status."""
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    assert len(stream.read(length)) == length
    return status
