"""The socket at /ws/v1: who is there, what they listen to, and what they say."""

import asyncio
from typing import Any

import structlog
from channels.exceptions import StopConsumer
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from core.errors import UnauthenticatedError
from core.redis import StoreUnavailableError
from realtime import entry, protocol, switchboard
from realtime.close_codes import MALFORMED, NOT_AUTHENTICATED, TOO_LATE, TOO_MUCH, UNAVAILABLE
from realtime.frames import (
    Ack,
    AuthExpiring,
    Error,
    Pong,
    ServerMessage,
    Unsubscribed,
    Welcome,
)
from realtime.hub_consumer import HubConsumer
from realtime.limits import MALFORMED_IN_A_ROW, REFUSED_SUBSCRIPTIONS, Allowance
from realtime.people import Person
from realtime.protocol import (
    SUBPROTOCOL,
    Auth,
    ClientMessage,
    MalformedError,
    Ping,
    Subscribe,
    Unsubscribe,
)
from realtime.subscribing import RefusedError, Subscription, subscribe
from realtime.switchboard import Switchboard

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 25
AUTHENTICATE_WITHIN_SECONDS = 10
WARN_BEFORE_EXPIRY_SECONDS = 60
AFTER_EXPIRY_SECONDS = 2


class RealtimeConsumer(HubConsumer):
    """One connection."""

    person: Person
    board: Switchboard

    def __init__(self) -> None:
        super().__init__()
        self.connection_id = switchboard.new_connection_id()
        self.subscriptions: dict[str, Subscription] = {}
        self.is_authenticated = False
        self.is_over = False
        self._allowance = Allowance()
        self._malformed = self._refused = 0
        self._timers: list[asyncio.TimerHandle] = []

    # -- Coming and going --------------------------------------------------------------------------

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        if entry.is_foreign(self.scope):
            await self.base_send({"type": "websocket.close"})  # 403 before the upgrade
            raise StopConsumer
        if not entry.speaks_our_protocol(self.scope):
            await self._refuse_handshake()
        self.board = await switchboard.here()
        offered = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.base_send(
            {"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None}
        )
        token = entry.offered_token(self.scope)
        if token is not None:
            await self._let_in(token)
        else:
            self._later(AUTHENTICATE_WITHIN_SECONDS, self._too_late)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self._leave()
        raise StopConsumer

    async def close(self, code: int) -> None:
        """End the connection; a second call does nothing."""
        if self.is_over:
            return
        self.is_over = True
        self.line.close()
        await self._leave()
        try:
            async with asyncio.timeout(30):  # for a peer that reads nothing
                await self.base_send({"type": "websocket.close", "code": code})
        except (TimeoutError, OSError):
            log.info("realtime.closed_unread", code=code)

    def fell_behind(self) -> None:
        self.board.spawn(self.close(UNAVAILABLE))

    async def _refuse_handshake(self) -> None:
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.base_send({"type": "websocket.close"})
            raise StopConsumer
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await self.base_send(
            {"type": "websocket.http.response.start", "status": 400, "headers": headers}
        )
        body = f"The subprotocol here is {SUBPROTOCOL}.\n".encode()
        await self.base_send({"type": "websocket.http.response.body", "body": body})
        raise StopConsumer

    async def _leave(self) -> None:
        if self.is_authenticated:
            log.info("ws.disconnected", **self._facts())
        for timer in self._timers:
            timer.cancel()
        for subscription in list(self.subscriptions.values()):
            await subscription.end()
        self.subscriptions.clear()
        if self.is_authenticated:
            self.is_authenticated = False
            self.board.remove(self)

    def _facts(self) -> dict[str, str]:
        person = self.person
        return {
            "connection_id": self.connection_id,
            "user_id": str(person.user_id),
            "session_id": str(person.session_id),
        }

    # -- Who is there ------------------------------------------------------------------------------

    async def _let_in(self, token: str) -> bool:
        try:
            self.person = await entry.person(token)
            await self._welcome()
        except UnauthenticatedError:
            await self.close(NOT_AUTHENTICATED)
        except (StoreUnavailableError, OperationalError, InterfaceError):
            await self.close(UNAVAILABLE)
        return not self.is_over

    async def _welcome(self) -> None:
        self.is_authenticated = True
        self.board.add(self)
        self._watch_expiry()
        # Joined before the welcome: what is said from now on is heard.
        self.subscriptions["user"] = await subscribe(self, "user")
        await self.say(Welcome(**self._facts(), heartbeat_s=HEARTBEAT_SECONDS))
        log.info("ws.connected", **self._facts())

    def _watch_expiry(self) -> None:
        for timer in self._timers:
            timer.cancel()
        left = (self.person.expires_at - timezone.now()).total_seconds()
        self._timers = []
        self._later(max(0.0, left - WARN_BEFORE_EXPIRY_SECONDS), self._warn_of_expiry)
        self._later(max(0.0, left + AFTER_EXPIRY_SECONDS), self._expired)

    async def _warn_of_expiry(self) -> None:
        left = (self.person.expires_at - timezone.now()).total_seconds()
        await self.say(AuthExpiring(in_s=max(0, round(left))))

    async def _expired(self) -> None:
        await self.close(NOT_AUTHENTICATED)

    async def _too_late(self) -> None:
        if not self.is_authenticated:
            await self.close(TOO_LATE)

    def _later(self, seconds: float, work: Any) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, lambda: self.board.spawn(work())))

    # -- What they say -----------------------------------------------------------------------------

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.is_over:
            return
        if not self._allowance.take():
            await self.close(TOO_MUCH)
            return
        try:
            said = protocol.read(message.get("text"))
            await self._answer(said)
            self._malformed = 0
        except MalformedError as error:
            self._malformed += 1
            await self.say(Error(ref=error.ref, code=error.code, detail=error.detail))
            if self._malformed >= MALFORMED_IN_A_ROW:
                await self.close(MALFORMED)

    async def _answer(self, said: ClientMessage) -> None:
        if isinstance(said, Auth):
            await self._authenticate(said)
        elif not self.is_authenticated:
            await self.close(NOT_AUTHENTICATED)
        elif isinstance(said, Ping):
            await self.say(Pong(ref=said.ref))
        elif isinstance(said, Subscribe):
            await self._subscribe(said)
        elif isinstance(said, Unsubscribe):
            await self._unsubscribe(said)

    async def _authenticate(self, said: Auth) -> None:
        if not self.is_authenticated:
            if await self._let_in(said.token):
                await self.say(Ack(ref=said.ref))
            return
        try:
            renewed = await entry.person(said.token)
        except UnauthenticatedError as error:
            await self.say(Error(ref=said.ref, code=error.code, detail=error.message))
            return
        if renewed.user_id != self.person.user_id:
            await self.close(NOT_AUTHENTICATED)
            return
        self.board.remove(self)
        self.person = renewed
        self.board.add(self)
        self._watch_expiry()
        await self.say(Ack(ref=said.ref))

    async def _subscribe(self, said: Subscribe) -> None:
        try:
            held = self.subscriptions.get(said.channel)
            subscription = held or await subscribe(self, said.channel)
        except RefusedError as error:
            self._refused += 1
            await self.say(Error(ref=said.ref, code=error.code, detail=error.detail))
            if self._refused > REFUSED_SUBSCRIPTIONS:
                await self.close(TOO_MUCH)
            return
        self.subscriptions[said.channel] = subscription
        await subscription.begin(said)

    async def _unsubscribe(self, said: Unsubscribe) -> None:
        subscription = self.subscriptions.pop(said.channel, None)
        if subscription is not None:
            await subscription.end()
        await self.say(Ack(ref=said.ref, channel=said.channel))

    async def look_again(self) -> None:
        """Leave the channels whose rights are gone."""
        for channel, subscription in list(self.subscriptions.items()):
            if not await subscription.is_allowed():
                del self.subscriptions[channel]
                await subscription.end()
                await self.say(Unsubscribed(channel=channel, code="forbidden"))

    # -- What they hear ----------------------------------------------------------------------------

    async def say(self, message: ServerMessage) -> None:
        await self.base_send({"type": "websocket.send", "text": message.encoded()})

    async def stream_said(self, message: dict[str, Any]) -> None:
        await self.base_send({"type": "websocket.send", "text": message["text"]})
