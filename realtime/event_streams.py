"""GET /sse/v1: what a socket would say, as server-sent events, for where sockets don't get through.

Who asks and what for is judged here, on the event loop. The head of the answer, or the problem that
stands in its place, is made by Django (realtime/views.py), so that it has the headers and the line
in the log that any other answer has; no thread and no database connection is held after that.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from channels.exceptions import StopConsumer
from django.db import InterfaceError, OperationalError

from core.api.exceptions import UnknownParameterError
from core.errors import (
    DomainError,
    FieldProblem,
    ForbiddenError,
    InvalidError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from core.http.body import App, Message, Receive, Send
from core.http.endless import answer_of, without_length
from core.redis import StoreUnavailableError
from realtime import channels, entry, switchboard, tickets
from realtime.channels import Closed as ClosedChannel
from realtime.close_codes import TOO_MUCH
from realtime.connections import HEARTBEAT_SECONDS, Connection
from realtime.frames import Closed, ServerMessage
from realtime.people import Person
from realtime.positions import NotHeardError
from realtime.protocol import Subscribe
from realtime.subscribing import RefusedError

MOST_CHANNELS = 10
PATIENCE_SECONDS = 60
"""How long somebody may take to read a heartbeat."""

judgement: ContextVar[DomainError | None] = ContextVar("judgement")
"""What the view tells: None lets the stream begin."""


class ChannelUnavailableError(UnavailableError):
    code = "realtime_unavailable"
    detail = "Events can't be streamed at the moment. Try again soon."


class EventStream(Connection):
    """One answer that doesn't end. Listens from the start, and says nothing but what it hears."""

    def __init__(self, views: App) -> None:
        super().__init__()
        self._views = views
        self._places: dict[str, str] = {}
        """By channel: the "<epoch>:<offset>" up to which everything was sent."""
        self._early: list[bytes] | None = []
        """What is said before the head is; None from then on."""
        self._end_code: int | None = None
        self._ended = asyncio.Event()
        self._has_begun = False

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Any) -> None:
        await super().__call__(scope, partial(self._next, receive), send)

    async def _next(self, receive: Callable[..., Any]) -> Any:
        """Return what comes, or a farewell once we have said our last: a peer may say none."""
        coming, ended = asyncio.ensure_future(receive()), asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if coming.done():
            return coming.result()
        coming.cancel()
        return {"type": "http.disconnect"}

    # -- Coming and going --------------------------------------------------------------------------

    async def http_request(self, message: dict[str, Any]) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        refusal = await self._enter()
        judgement.set(refusal)
        # Without the query: it is judged, and may hold a ticket.
        head, *body = await answer_of(self._views, {**self.scope, "query_string": b""})
        if refusal is not None or head["status"] != 200:
            for each in [head, *body]:
                await self.base_send(each)
            await self.leave()
            raise StopConsumer
        await self._begin(head)

    async def http_disconnect(self, message: dict[str, Any]) -> None:
        self.is_over = True
        self._ended.set()
        await self.leave()
        raise StopConsumer

    async def _enter(self) -> DomainError | None:
        """Join as whoever asks; return what stands against it."""
        try:
            wanted = Wanted(self.scope)
            self.first_channels = wanted.channels
            self.board = await switchboard.here()
            self.person = await wanted.person()
            await self._welcome()
        except DomainError as error:
            return error
        except RefusedError as error:
            return NotHeardError(ClosedChannel(error.code, error.detail))
        except (StoreUnavailableError, OperationalError, InterfaceError):
            return ChannelUnavailableError(retry_after_seconds=1)
        if self._end_code == TOO_MUCH:
            return RateLimitedError(retry_after_seconds=60)
        return ChannelUnavailableError(retry_after_seconds=1) if self.is_over else None

    async def _begin(self, head: Message) -> None:
        await self.base_send(without_length(head))
        early, self._early = self._early or [], None
        for block in early:
            await self._write(block)
        if self.is_over:  # which the last block told
            await self.base_send({"type": "http.response.body", "body": b""})
            return
        since = Wanted(self.scope).since
        for name, subscription in list(self.subscriptions.items()):
            await subscription.begin(Subscribe(channel=name, since=since.get(name)))
        self.board.spawn(self._beat())

    async def _beat(self) -> None:
        """Keep what stands between from taking the silence for an end."""
        while not self._ended.is_set():
            try:
                await asyncio.wait_for(self._ended.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                try:
                    await asyncio.wait_for(self._write(b":\n\n"), PATIENCE_SECONDS)
                except (TimeoutError, OSError):
                    self.fell_behind()
                    return

    # -- What is said ------------------------------------------------------------------------------

    async def hang_up(self, code: int) -> None:
        self._end_code = code
        try:
            await self.say(Closed(code=code))
            if self._early is None:
                await self.base_send({"type": "http.response.body", "body": b""})
        finally:
            self._ended.set()

    async def say(self, message: ServerMessage) -> None:
        await self._write(self._block(message.kind, message.encoded()))

    async def stream_said(self, message: dict[str, Any]) -> None:
        kind = message.get("kind", "event")
        if "place" in message:
            self._places[message["channel"]] = message["place"]
        elif kind == "event":
            name = channels.on_the_wire(message["stream"])
            if name not in self._places:  # it comes again behind the answer, or is not wanted
                return
            self._places[name] = f"{message['epoch']}:{message['offset']}"
        await self._write(self._block(kind, message["text"]))

    def _block(self, kind: str, text: str) -> bytes:
        is_placed = len(self._places) == len(self.first_channels)
        places = ",".join(self._places[name] for name in self.first_channels) if is_placed else ""
        line = f"id: {places}\n" if places else ""
        return f"event: {kind}\n{line}data: {text}\n\n".encode()

    async def _write(self, block: bytes) -> None:
        if self._early is not None:
            self._early.append(block)
            return
        await self.base_send({"type": "http.response.body", "body": block, "more_body": True})


class Wanted:
    """What a request asks for. Raises InvalidError."""

    def __init__(self, scope: Any) -> None:
        self._scope = scope
        query = scope["query_string"].decode("latin-1")
        self._given = parse_qs(query, keep_blank_values=True, max_num_fields=50)
        unknown = self._given.keys() - {"channel", "ticket"}
        if unknown:
            detail = "Known here: channel, ticket."
            raise UnknownParameterError(
                *(FieldProblem(f"/{name}", "unknown_parameter", detail) for name in sorted(unknown))
            )
        self.channels: Sequence[str] = list(dict.fromkeys(self._given.get("channel", ["user"])))
        if len(self.channels) > MOST_CHANNELS:
            detail = f"One stream carries up to {MOST_CHANNELS} channels."
            raise InvalidError(FieldProblem("/channel", "invalid", detail))

    async def person(self) -> Person:
        """Return who asks. Raises UnauthenticatedError, and ForbiddenError for others' pages."""
        if entry.is_foreign(self._scope):
            raise ForbiddenError("Pages of this origin may not listen.")
        ticket = entry.offered_ticket(self._scope)
        if ticket is not None:
            return await tickets.redeem(ticket)
        scheme, _, token = self._header(b"authorization").partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthenticatedError
        return await entry.person(token.strip())

    @property
    def since(self) -> dict[str, str]:
        """Return how far each channel was heard: the id of the last event names all, in order."""
        last = self._header(b"last-event-id")
        places = last.split(",") if last else []
        if not places:
            return {}
        if len(places) != len(self.channels):
            return dict.fromkeys(self.channels, "")  # of another request: nothing can be resumed
        return dict(zip(self.channels, places, strict=True))

    def _header(self, name: bytes) -> str:
        values = [value for key, value in self._scope["headers"] if key == name]
        return values[0].decode("latin-1") if values else ""


def mounted(views: App) -> App:
    """Return an application that streams to GET, and leaves the rest to the views."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await EventStream(views)(scope, receive, send)
        else:
            await views(scope, receive, send)

    return application
