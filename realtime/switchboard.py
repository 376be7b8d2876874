"""What one process knows of its connections, and how it hears that one of them is over.

News come over the control group within milliseconds. Because Redis may lose them, or be away, every
connection's session and channels are looked at again every RECHECK_SECONDS, and every SWEEP_SECONDS
what was said is compared with what was heard: one statement each, however many connections.
"""

import asyncio
import os
import socket
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import structlog
from django.utils import timezone

from core.redis import StoreUnavailableError
from realtime import census, delivery, entry, leases
from realtime.batches import in_thread
from realtime.census import CONTROL, Question, Report
from realtime.close_codes import NOT_AUTHENTICATED, RESTARTING
from realtime.feeds import Feeds
from realtime.layer import HubChannelLayer
from realtime.models import StreamMessage
from realtime.presence import TICK_SECONDS, Presence

if TYPE_CHECKING:
    from realtime.connections import Connection

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 20.0
SWEEP_SECONDS = 3.0
REPORT_SECONDS = 20.0
"""Twice missed, and leases still hold."""
DRAIN_SECONDS = 5.0
MOST_AT_THE_DOOR = 32
"""How many are let in at once; the others wait in line. After a restart everybody comes back in the
same second, and whoever asks something else meanwhile is not to wait behind them all."""
REMEMBER_SECONDS = 10.0
"""For so long the end of a session is remembered: longer than it takes to connect by it."""
SWEEP_WINDOW = timedelta(seconds=45)
"""How far a sweep looks back: longer than any transaction of ours may take."""


class Switchboard:
    """Belongs to one event loop; `here()` returns this one's."""

    def __init__(self, layer: HubChannelLayer) -> None:
        self.feeds = Feeds(layer)
        self.presence = Presence(self)
        self.door = asyncio.Semaphore(MOST_AT_THE_DOOR)
        self.by_session: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self.by_user: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self.tasks: set[asyncio.Task[Any]] = set()
        self._ended: set[UUID] = set()
        """Sessions whose end was heard of a moment ago."""
        self._layer = layer

    async def start(self) -> None:
        channel = await self._layer.new_channel()
        self._layer.attach(channel, self.hear)
        self.spawn(self._join_control(channel))
        self.spawn(self._repeat(self._recheck, RECHECK_SECONDS))
        self.spawn(self._repeat(self._sweep, SWEEP_SECONDS))
        self.spawn(self._repeat(self.presence.tick, TICK_SECONDS))
        self.spawn(self._repeat(self.report, REPORT_SECONDS))
        self.spawn(self.report())

    def spawn(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def add(self, connection: "Connection") -> None:
        """Know of a connection; it is closed at once if its session ended since it was read."""
        session_id = connection.person.session_id
        self.by_session[session_id].add(connection)
        self.by_user[connection.person.user_id].add(connection)
        if session_id in self._ended:
            self._end_session(session_id)

    def remove(self, connection: "Connection") -> None:
        for index, key in (
            (self.by_session, connection.person.session_id),
            (self.by_user, connection.person.user_id),
        ):
            index[key].discard(connection)
            if not index[key]:
                del index[key]

    def hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"event": "sessions.ended", "ids": ids}:
                for session_id in map(UUID, ids):
                    self._remember(session_id)
                    self._end_session(session_id)
            case {"event": "rights.changed", **of}:
                self._look_again(self._concerned(**of))
            case {"event": "asked"}:
                self.spawn(self._answer(message))
            case {"event": "presence.changed", "channels": channels}:
                self.presence.hinted(channels)

    def _look_again(self, connections: "list[Connection]") -> None:
        for connection in connections:
            self.spawn(connection.look_again())

    def _concerned(self, *, user_id: str = "", key: str = "", **_: Any) -> "list[Connection]":
        """Return the connections of a person, or those that have a channel with an id."""
        if user_id:
            return list(self.by_user.get(UUID(user_id), ()))
        return [
            connection
            for connections in self.by_user.values()
            for connection in connections
            if any(each.key == key for each in connection.subscriptions.values())
        ]

    async def hint(self, event: str, **facts: Any) -> None:
        """Tell every process, this one too. Raises StoreUnavailableError."""
        await self._layer.group_send(CONTROL, {"type": "control", "event": event, **facts})

    def _remember(self, session_id: UUID) -> None:
        self._ended.add(session_id)
        loop = asyncio.get_running_loop()
        loop.call_later(REMEMBER_SECONDS, self._ended.discard, session_id)

    def _end_session(self, session_id: UUID) -> None:
        for connection in list(self.by_session.get(session_id, ())):
            self.spawn(connection.close(NOT_AUTHENTICATED))

    async def _answer(self, asked: dict[str, Any]) -> None:
        question = Question.of(asked)
        meant = self.meant(question)
        if question.closes and meant:
            await asyncio.wait({self.spawn(each.close(RESTARTING)) for each in meant}, timeout=1)
        await self.report()
        with suppress(StoreUnavailableError):
            await in_thread(census.answer, asked["number"], self.process, len(meant))

    def meant(self, question: Question) -> "list[Connection]":
        found = {each for held in self.by_session.values() for each in held}
        if question.user_id:
            found &= self.by_user.get(UUID(question.user_id), set())
        if question.session_id:
            found &= self.by_session.get(UUID(question.session_id), set())
        if question.channel:
            found = {each for each in found if question.channel in each.subscriptions}
        wanted = question.connection_id
        return [each for each in found if wanted in {None, each.connection_id}]

    @property
    def process(self) -> str:
        return self._layer.hub().process

    async def report(self) -> None:
        """Renew what is leased, and tell of it; without Redis, the next time."""
        held = [each.lease for of_one in self.by_user.values() for each in of_one if each.is_leased]
        report = Report(
            process=self.process,
            host=socket.gethostname(),
            pid=os.getpid(),
            connections=len(held),
            users={str(user_id): len(of_one) for user_id, of_one in self.by_user.items()},
            channels={
                name: len(feed.listeners)
                for name, feed in self.feeds.open.items()
                if not name.startswith("user:")
            },
        )
        with suppress(StoreUnavailableError):
            await in_thread(leases.renew, held)
            await in_thread(census.put, report)

    async def _join_control(self, channel: str) -> None:
        while True:
            try:
                await self._layer.group_add(CONTROL, channel)
            except StoreUnavailableError:
                await asyncio.sleep(1)
            else:
                return

    async def _repeat(self, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await step()
            except Exception:
                log.exception("realtime.look_failed")  # the next one tries again

    async def _recheck(self) -> None:
        ids = list(self.by_session)
        held = await asyncio.gather(*(entry.sessions.get(pk) for pk in ids))
        for session_id, user_id in zip(ids, held, strict=True):
            if user_id is None:
                self._end_session(session_id)
        self._look_again([each for held in self.by_user.values() for each in held])

    async def _sweep(self) -> None:
        if not self.feeds.open:
            return
        since = timezone.now() - SWEEP_WINDOW
        for name, offset in (await in_thread(StreamMessage.objects.said_since, since)).items():
            feed = self.feeds.open.get(name)
            if feed is not None and feed.opening is None:
                feed.catch_up(offset)


_here: dict[asyncio.AbstractEventLoop, Switchboard] = {}


async def here() -> Switchboard:
    """Return the switchboard of this event loop; the first call starts it."""
    loop = asyncio.get_running_loop()
    found = _here.get(loop)
    if found is None:
        for ended in [known for known in _here if known.is_closed()]:
            del _here[ended]
        found = _here[loop] = Switchboard(delivery.layer())
        await found.start()
    return found


async def drain() -> None:
    """Close every connection of this event loop, spread over some seconds, so that they do not all
    come back elsewhere in the same instant.
    """
    board = _here.get(asyncio.get_running_loop())
    if board is None:
        return
    connections = [each for held in board.by_session.values() for each in held]
    began = time.monotonic()
    for number, connection in enumerate(connections):
        board.spawn(connection.close(RESTARTING))
        ahead = began + DRAIN_SECONDS * number / len(connections) - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    await asyncio.sleep(0.1)  # for the last close frames to leave
    with suppress(StoreUnavailableError):
        await in_thread(census.withdraw, board.process)


def announce(event: str, **facts: Any) -> None:
    """Tell every process, from synchronous code and after the commit; best effort."""
    try:
        delivery.layer().send_many([(CONTROL, {"type": "control", "event": event, **facts})])
    except StoreUnavailableError:
        log.info("realtime.control_late", control=event)  # the rechecks find out


def new_connection_id() -> str:
    return uuid4().hex
