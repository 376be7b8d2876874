"""A client of Tenantry's WebSocket: one file, on the `websockets` library.

    async with Realtime("wss://example.com/ws/v1", get_token) as realtime:
        realtime.subscribe("user", on_event=print, on_stale=fetch)
        code = await realtime.ended()

It comes back by itself, asks for what it missed, and hands each event over once and in order. Where
that can't be kept, `on_stale` is called: fetch what you show over HTTP. Handlers are plain
functions; start a task for what takes time.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Self, TypedDict, Unpack

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

log = logging.getLogger(__name__)

Frame = dict[str, Any]
Handler = Callable[[Frame], object]
Status = Literal["open", "waiting", "ended"]
GetToken = Callable[[bool], Awaitable[str | None]]
"""Return an access token, or None when nobody is signed in. True: the one from before is over, or
soon will be, so get a new one from the server. If this raises, it is asked again later."""

PROTOCOL = Subprotocol("tenantry.v1")
NOT_AUTHENTICATED = 4401
FINAL = {4400, 4403, 4406}
"""Coming back would end the same way. 4401 is final once a fresh token was refused too."""
NORMAL, BROKEN = 1000, 1006
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
SETTLED_SECONDS = 10.0
"""A connection that held for so long makes the next pause a short one again."""
WELCOME_WITHIN_SECONDS = 15.0
UNAVAILABLE = "unavailable"
"""The server can't do it right now: nothing is lost, and asking again helps."""
DISCONNECTED: Frame = {"type": "error", "code": "disconnected", "detail": "The connection ended."}


class RealtimeError(Exception):
    """What was asked for was refused, or the connection ended before it was answered."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Handlers(TypedDict, total=False):
    on_event: Handler
    on_stale: Callable[[], object]
    """What you hold of this channel may be old: fetch it. Called when you join, and when what was
    missed can't be replayed. What follows by `on_event` is behind this moment."""
    on_lost: Callable[[str], object]
    """You may not listen, or no longer; the code says why."""
    on_presence: Callable[[frozenset[str], int], object]
    """Who listens, whenever that changes: ids of users, and how many. Over 500 nobody is named."""


@dataclass(eq=False)
class Subscription:
    channel: str
    handlers: Handlers
    is_live: bool = False
    epoch: str | None = None
    offset: int = 0
    people: frozenset[str] = frozenset()


class Realtime:
    def __init__(
        self,
        url: str,
        get_token: GetToken,
        *,
        on_status: Callable[[Status, int], object] = lambda status, code: None,
    ) -> None:
        self.url, self.get_token, self.on_status = url, get_token, on_status
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: dict[int, Handler] = {}
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[int] | None = None
        self._silence_seconds = WELCOME_WITHIN_SECONDS
        self._heard_at = self._open_since = 0.0
        self._last_ref = self._attempts = 0
        self._is_refused = False
        self._hears: dict[str, Handler] = {
            "event": self._deliver,
            "welcome": self._welcomed,
            "auth_expiring": lambda frame: self._spawn(self._renew(frame["in_s"])),
            "unsubscribed": lambda frame: self._lose(frame["channel"], frame["code"]),
            "presence": self._attend,
        }

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def ended(self) -> int:
        """Wait until the client gave up, and return why. 4401: sign in again."""
        if self._running is None:
            raise RuntimeError("`async with Realtime(…)` comes first")
        return await asyncio.shield(self._running)

    def subscribe(self, channel: str, **handlers: Unpack[Handlers]) -> Callable[[], None]:
        """Listen to a channel, now or as soon as there is a connection. Return how to stop."""
        if channel in self._subscriptions:
            raise ValueError(f"{channel} is already subscribed to")
        subscription = self._subscriptions[channel] = Subscription(channel, handlers)
        if self._open_since:
            self._join(subscription)

        def stop() -> None:
            if self._forget(subscription) and self._open_since:
                self._say("unsubscribe", channel=channel)

        return stop

    async def publish(self, channel: str, event: str, data: Any = None) -> Frame:
        """Say something on a channel that allows it. Raises RealtimeError."""
        return await self._ask("publish", channel=channel, event=event, data=data)

    async def ping(self) -> None:
        """Return once the server answered."""
        await self._ask("ping")

    # -- One connection after the other ------------------------------------------------------------

    async def _run(self) -> int:
        code = NORMAL
        try:
            while True:
                code = await self._connect(fresh=self._is_refused)
                if code in FINAL or (code == NOT_AUTHENTICATED and self._is_refused):
                    return code
                if code == NOT_AUTHENTICATED:
                    self._is_refused = True
                else:
                    await self._pause(code)
        except asyncio.CancelledError:
            code = NORMAL
            raise
        finally:
            _call(self.on_status, "ended", code)

    async def _connect(self, *, fresh: bool) -> int:
        """Be connected for as long as it lasts, and return the close code."""
        try:
            token = await self.get_token(fresh)
        except Exception:
            log.exception("no token")
            return BROKEN
        if token is None:
            self._is_refused = True
            return NOT_AUTHENTICATED
        offered = [PROTOCOL, Subprotocol(f"bearer.{token}")]
        try:
            async with connect(self.url, subprotocols=offered, ping_interval=None) as connection:
                return await self._listen(connection)
        except (OSError, InvalidHandshake):
            return BROKEN
        finally:
            self._leave()

    async def _listen(self, connection: ClientConnection) -> int:
        self._outbox, self._heard_at = asyncio.Queue(), time.monotonic()
        self._silence_seconds = WELCOME_WITHIN_SECONDS
        self._spawn(self._write(connection, self._outbox))
        self._spawn(self._watch(connection))
        with suppress(ConnectionClosed):
            async for text in connection:
                self._heard_at = time.monotonic()
                self._hear(json.loads(text))
        return connection.close_code or BROKEN

    async def _pause(self, code: int) -> None:
        # Anywhere between at once and the longest: who fell together does not return together.
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        _call(self.on_status, "waiting", code)
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311  no secret

    def _leave(self) -> None:
        """Have nothing to do any more with this connection."""
        if self._open_since and time.monotonic() - self._open_since > SETTLED_SECONDS:
            self._attempts = 0
        self._open_since = 0.0
        for task in self._tasks:
            task.cancel()
        for subscription in self._subscriptions.values():
            subscription.is_live = False
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered(DISCONNECTED)

    async def _write(self, connection: ClientConnection, outbox: "asyncio.Queue[str]") -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await outbox.get())

    async def _watch(self, connection: ClientConnection) -> None:
        """Take a connection on which nothing comes for broken, whatever TCP believes."""
        while (left := self._heard_at + self._silence_seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(left, self._silence_seconds / 2))
            if self._open_since:
                self._say("ping")
        connection.transport.abort()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- What is heard -----------------------------------------------------------------------------

    def _hear(self, frame: Frame) -> None:
        answered = self._waiting.pop(frame.get("ref", 0), None) or self._hears.get(frame["type"])
        if answered:
            answered(frame)

    def _welcomed(self, frame: Frame) -> None:
        self._open_since = time.monotonic()
        self._is_refused = False
        self._silence_seconds = frame["heartbeat_s"] * 2.0
        _call(self.on_status, "open", 0)
        for subscription in self._subscriptions.values():
            self._join(subscription)

    def _deliver(self, event: Frame) -> None:
        subscription = self._subscriptions.get(event["channel"])
        # What comes before the answer to `subscribe` comes again behind it.
        if subscription and subscription.is_live and event["offset"] > subscription.offset:
            subscription.offset = event["offset"]
            self._tell(event["channel"], "on_event", event)

    def _join(self, subscription: Subscription) -> None:
        channel, epoch = subscription.channel, subscription.epoch
        since = {} if epoch is None else {"since": f"{epoch}:{subscription.offset}"}

        def answered(answer: Frame) -> None:
            if self._subscriptions.get(channel) is not subscription:
                return
            if answer["type"] == "ack":
                self._joined(subscription, answer)
            elif answer["code"] == UNAVAILABLE:
                self._spawn(self._join_later(subscription))
            elif answer["code"] != "disconnected":
                self._lose(channel, answer["code"])

        self._say("subscribe", answered, channel=channel, **since)

    async def _join_later(self, subscription: Subscription) -> None:
        await asyncio.sleep(FIRST_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  no secret
        if self._subscriptions.get(subscription.channel) is subscription:
            self._join(subscription)

    def _joined(self, subscription: Subscription, ack: Frame) -> None:
        subscription.is_live = True
        channel = subscription.channel
        subscription.people = frozenset()  # the first of the coming messages lists everybody
        if "on_presence" in subscription.handlers:
            self._say("presence", channel=channel)
        if not ack.get("recovered"):
            subscription.epoch, subscription.offset = ack["epoch"], ack["offset"]
            self._tell(channel, "on_stale")

    def _attend(self, frame: Frame) -> None:
        if subscription := self._subscriptions.get(frame["channel"]):
            people = (subscription.people | {*frame["joined"]}) - {*frame["left"]}
            is_named = len(people) == frame["count"]
            subscription.people = people if is_named else frozenset()
            self._tell(subscription.channel, "on_presence", subscription.people, frame["count"])

    def _tell(self, channel: str, name: str, *told: Any) -> None:
        if subscription := self._subscriptions.get(channel):
            _call(subscription.handlers.get(name), *told)

    def _lose(self, channel: str, code: str) -> None:
        subscription = self._subscriptions.get(channel)
        if subscription and self._forget(subscription):
            _call(subscription.handlers.get("on_lost"), code)

    def _forget(self, subscription: Subscription) -> bool:
        is_held = self._subscriptions.get(subscription.channel) is subscription
        if is_held:
            del self._subscriptions[subscription.channel]
        return is_held

    async def _renew(self, seconds: float) -> None:
        await asyncio.sleep(random.uniform(0, seconds / 4))  # noqa: S311  not all at once
        with suppress(Exception):  # the server closes with 4401, and there is another try
            if token := await self.get_token(True):
                self._say("auth", token=token)

    # -- What is said ------------------------------------------------------------------------------

    def _say(self, kind: str, answered: Handler = lambda answer: None, **fields: Any) -> None:
        self._last_ref += 1
        self._waiting[self._last_ref] = answered
        self._outbox.put_nowait(json.dumps({"type": kind, "ref": self._last_ref, **fields}))

    async def _ask(self, kind: str, **fields: Any) -> Frame:
        if not self._open_since:
            raise RealtimeError("disconnected", "Not connected.")
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._say(kind, lambda answer: _settle(future, answer), **fields)
        answer = await future
        if answer["type"] == "error":
            raise RealtimeError(answer["code"], answer["detail"])
        return answer


def _call(handler: Any, *told: Any) -> None:
    try:
        if handler is not None:
            handler(*told)
    except Exception:
        log.exception("a handler failed")


def _settle(future: "asyncio.Future[Frame]", answer: Frame) -> None:
    if not future.done():  # whoever asked may have gone
        future.set_result(answer)
