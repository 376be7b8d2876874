"""What every connection has, whatever it runs over: a person, channels, and an end."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from core.errors import UnauthenticatedError
from core.redis import StoreUnavailableError
from realtime import entry, leases, switchboard
from realtime.close_codes import NOT_AUTHENTICATED, TOO_MUCH, UNAVAILABLE
from realtime.frames import AuthExpiring, ServerMessage, Unsubscribed, Welcome
from realtime.hub_consumer import HubConsumer
from realtime.people import Person
from realtime.subscribing import Subscription, subscribe
from realtime.switchboard import Switchboard

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 25
WARN_BEFORE_EXPIRY_SECONDS = 60
AFTER_EXPIRY_SECONDS = 2


class Connection(HubConsumer, ABC):
    """Somebody who listens. A subclass writes what is said, and the end, to its transport."""

    person: Person
    board: Switchboard

    def __init__(self) -> None:
        super().__init__()
        self.first_channels: Sequence[str] = ["user"]
        """What is joined from the start."""
        self.connection_id = switchboard.new_connection_id()
        self.subscriptions: dict[str, Subscription] = {}
        self.is_authenticated = False
        self.is_over = False
        self.is_leased = False
        """Whether it counts among its user's (realtime/leases.py)."""
        self._timers: list[asyncio.TimerHandle] = []

    @abstractmethod
    async def say(self, message: ServerMessage) -> None: ...

    @abstractmethod
    async def hang_up(self, code: int) -> None:
        """Tell the peer that this is the end, and why (realtime/close_codes.py)."""

    # -- Coming and going --------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # also when it broke where something was to be said, and no word of an end came
            self.is_over = True
            await self.leave()

    async def let_in(self, token: str) -> bool:
        """Welcome whoever the token belongs to, or close; tell whether they are in."""
        return await self.admit(entry.person(token))

    async def admit(self, who: Awaitable[Person]) -> bool:
        """Welcome somebody once we know who they are, or close; tell whether they are in."""
        try:
            async with self.board.door:
                self.person = await who
                await self._welcome()
        except UnauthenticatedError:
            await self.close(NOT_AUTHENTICATED)
        except (StoreUnavailableError, OperationalError, InterfaceError):
            await self.close(UNAVAILABLE)
        return not self.is_over

    async def _welcome(self) -> None:
        self.is_authenticated = True
        self.board.add(self)
        if not await self._take_lease():
            await self.close(TOO_MUCH)
            return
        self._watch_expiry()
        # Joined before the welcome: what is said from now on is heard.
        for name in self.first_channels:
            await subscribe(self, name)
        await self.say(Welcome(**self._facts(), heartbeat_s=HEARTBEAT_SECONDS))
        log.info("ws.connected", **self._facts())

    async def close(self, code: int) -> None:
        """End the connection; a second call does nothing."""
        if self.is_over:
            return
        self.is_over = True
        self.line.close()
        await self.leave()
        try:
            async with asyncio.timeout(30):  # for a peer that reads nothing
                await self.hang_up(code)
        except (TimeoutError, OSError):
            log.info("realtime.closed_unread", code=code)

    def fell_behind(self) -> None:
        self.board.spawn(self.close(UNAVAILABLE))

    async def leave(self) -> None:
        """Forget everything this process knows of the connection."""
        if self.is_authenticated:
            log.info("ws.disconnected", **self._facts())
        self._forget_timers()
        for subscription in list(self.subscriptions.values()):
            await subscription.end()
        self.subscriptions.clear()
        if self.is_authenticated:
            self.is_authenticated = False
            self.board.remove(self)
        if self.is_leased:
            self.is_leased = False
            self.board.spawn(leases.give_back(self.lease))

    @property
    def lease(self) -> leases.Lease:
        return self.person.user_id, self.connection_id

    async def _take_lease(self) -> bool:
        held_here = len(self.board.by_user[self.person.user_id])
        self.is_leased = await leases.take(self.lease, held_here=held_here)
        if self.is_over:  # it ended meanwhile: this is what leaving had nothing of yet
            await self.leave()
        return self.is_leased

    def _facts(self) -> dict[str, str]:
        person = self.person
        return {
            "connection_id": self.connection_id,
            "user_id": str(person.user_id),
            "session_id": str(person.session_id),
        }

    # -- How long ----------------------------------------------------------------------------------

    def renew(self, person: Person) -> None:
        """Go on as the same user with a fresh token, perhaps of another session."""
        self.board.remove(self)
        self.person = person
        self.board.add(self)
        self._watch_expiry()

    def _watch_expiry(self) -> None:
        self._forget_timers()
        left = (self.person.expires_at - timezone.now()).total_seconds()
        self.later(max(0.0, left - WARN_BEFORE_EXPIRY_SECONDS), self._warn_of_expiry)
        self.later(max(0.0, left + AFTER_EXPIRY_SECONDS), self._expired)

    async def _warn_of_expiry(self) -> None:
        left = (self.person.expires_at - timezone.now()).total_seconds()
        await self.say(AuthExpiring(in_s=max(0, round(left))))

    async def _expired(self) -> None:
        await self.close(NOT_AUTHENTICATED)

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something unless the connection is renewed or over by then."""
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, lambda: self.board.spawn(work())))

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def stream_lost(self, message: dict[str, Any]) -> None:
        """A channel has a gap that nobody can fill: coming back tells what to do about it."""
        self.fell_behind()

    # -- Channels ----------------------------------------------------------------------------------

    async def look_again(self) -> None:
        """Leave the channels whose rights are gone."""
        for channel, subscription in list(self.subscriptions.items()):
            refusal = await subscription.refusal()
            if refusal is not None and self.subscriptions.get(channel) is subscription:
                del self.subscriptions[channel]
                await subscription.end(is_lost=True)
                await self.say(Unsubscribed(channel=channel, code=refusal.code))
            elif not subscription.may_watch:
                self.board.presence.unwatch(subscription)
