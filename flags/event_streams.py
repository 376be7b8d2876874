"""GET /ofrep/v1/events: tells OpenFeature's clients in browsers when to ask again.

Their EventSource can set no header. So the bulk answer names an address with a signed pass in it,
for whoever asked; it opens this stream alone, on which nothing is told but that something changed.
The pass is the same all day, for a client that is given another address connects anew.
"""

import asyncio
from collections import defaultdict
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts.errors import TokenInvalidError
from core.errors import UnavailableError
from core.http.body import App, Message, Receive, Send
from core.http.endless import answer_of, without_length
from flags import snapshots
from flags.callers import Caller
from flags.models import FlagKey
from organizations.viewsets import AcrossOrganizations

PATH = "/ofrep/v1/events"
HEARTBEAT_SECONDS = 25
PATIENCE_SECONDS = 60
"""How long somebody may take to read what is written."""
MOST_STREAMS = 5000
"""Of one process."""
INACTIVITY_SECONDS = 120
"""After so long in the background a page lets go of its stream."""
REFETCH = b'data: {"type":"refetchEvaluation"}\n\n'
_streamed: ContextVar[list[str]] = ContextVar("streamed")
"""Where the view puts the environment whose changes are to be told."""
_signer = signing.Signer(salt="flags.events")


# -- The pass --------------------------------------------------------------------------------------
def of(caller: Caller) -> list[dict[str, Any]]:
    """Return what a bulk answer lists as `eventStreams`."""
    told = {
        "environment": caller.environment,
        "key": str(caller.key.pk) if caller.key else "",
        "day": timezone.now().date().toordinal(),
    }
    uri = f"{PATH}?{urlencode({'pass': _signer.sign_object(told)})}"
    endpoint = {"requestUri": uri}
    return [{"type": "sse", "endpoint": endpoint, "inactivityDelaySec": INACTIVITY_SECONDS}]


def environment_of(given: str) -> str:
    """Return what a pass is for: it holds on its day and the next. Raises TokenInvalidError."""
    try:
        told = _signer.unsign_object(given)
    except (signing.BadSignature, ValueError):
        raise TokenInvalidError from None
    if timezone.now().date().toordinal() - told["day"] not in {0, 1}:
        raise TokenInvalidError
    if told["key"] and not FlagKey.objects.holds(UUID(told["key"])):
        raise TokenInvalidError
    return str(told["environment"])


class EventsView(AcrossOrganizations):
    """The head of the answer; `mounted` sends the rest."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def known_parameters(self) -> frozenset[str]:
        return frozenset({"pass"})

    def get(self, request: Request) -> HttpResponse:
        streamed = _streamed.get(None)
        if streamed is None:
            raise UnavailableError("Events are streamed by the ASGI server alone.")
        environment = environment_of(str(request.query_params.get("pass", "")))
        if len(_open) >= MOST_STREAMS:
            raise UnavailableError("Too many listen here. Try again soon.")
        streamed.append(environment)
        snapshots.start(environment)
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return HttpResponse(content_type="text/event-stream", headers=headers)


# -- The stream ------------------------------------------------------------------------------------
_open: set["Stream"] = set()
_by_environment: defaultdict[str, set["Stream"]] = defaultdict(set)


class Stream:
    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.loop = asyncio.get_running_loop()
        self.changed, self.is_over = asyncio.Event(), False
        _open.add(self)
        _by_environment[environment].add(self)

    def close(self) -> None:
        _open.discard(self)
        _by_environment[self.environment].discard(self)

    async def run(self, receive: Receive, send: Send) -> None:
        """Tell of changes until the client is gone, or we end."""
        gone = asyncio.ensure_future(_gone(receive))
        gone.add_done_callback(lambda _: self.end())
        try:
            await self._write(send, b":\n\n")
            while not self.is_over:
                await self._write(send, await self._next())
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        except (TimeoutError, OSError):
            return  # they read nothing any more
        finally:
            gone.cancel()
            self.close()

    def end(self) -> None:
        self.is_over = True
        self.changed.set()

    async def _next(self) -> bytes:
        try:
            await asyncio.wait_for(self.changed.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return b":\n\n"  # keeps what stands between from taking the silence for an end
        self.changed.clear()
        return b"" if self.is_over else REFETCH

    async def _write(self, send: Send, block: bytes) -> None:
        if block:
            part: Message = {"type": "http.response.body", "body": block, "more_body": True}
            await asyncio.wait_for(send(part), PATIENCE_SECONDS)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tell(environment: str) -> None:
    """Called by the thread that follows the changes."""
    for stream in list(_by_environment.get(environment, ())):
        stream.loop.call_soon_threadsafe(stream.changed.set)


snapshots.watch(_tell)


async def end() -> None:
    """Let every client go: the server ends."""
    for stream in list(_open):
        stream.end()


def mounted(views: App) -> App:
    """Return an application that streams to GET, and leaves the rest to the views."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await views(scope, receive, send)
            return
        found: list[str] = []
        _streamed.set(found)
        head, *body = await answer_of(views, scope)
        if not found or head["status"] != 200:
            for message in [head, *body]:
                await send(message)
            return
        await send(without_length(head))
        await Stream(found[0]).run(receive, send)

    return application
