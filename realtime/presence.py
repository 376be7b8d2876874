"""Who is on a channel, over all processes.

Redis holds a sorted set for each channel: an entry for each user and process, scored by when it
ends, on the clock of Redis. A process renews what it holds every third of that time; one that is
killed renews nothing, and its entries end. Whoever leaves has theirs shortened to LINGER, so that
a page that is loaded anew is not seen to leave.

A process with watchers reads the whole set when it is hinted to, at most once a second, and every
few seconds anyway. It tells its watchers what differs from what it told them before: the list and
the changes together are the set that was read, whatever was lost on the way.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from django.conf import settings

from core.redis import KEY_PREFIX, Argument, Script, StoreUnavailableError, acall
from realtime.frames import ServerMessage
from realtime.roster import MOST_NAMED, Attendance, Roster

if TYPE_CHECKING:
    from realtime.subscribing import Subscription
    from realtime.switchboard import Switchboard

log = structlog.get_logger(__name__)

KEY = f"{KEY_PREFIX}presence:"
TICK_SECONDS = 1.0
LINGER_SECONDS: float = settings.PRESENCE_LINGER_S
LASTS_SECONDS = 2 * LINGER_SECONDS
RENEW_SECONDS = LASTS_SECONDS / 3
LOOK_SECONDS = LINGER_SECONDS / 3
CALLS, ENTRIES = 50, 500
"""In one round trip: channels, and people of one channel."""

Call = tuple[Sequence[str], Sequence[Argument]]

_WRITE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], now + ARGV[i + 1], ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""")
"""ARGV: how long the set lasts; then entries, each with how long it does, in milliseconds."""

_READ = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local seen, users, count = {}, {}, 0
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local user = string.match(entry, '^[^:]+')
  if not seen[user] then
    seen[user] = true
    count = count + 1
    if count <= tonumber(ARGV[1]) then users[count] = user end
  end
end
return {count, users}
""")
"""ARGV: how many users to name. Returns how many there are, and the first of them."""


class Presence:
    """Belongs to one event loop, beside its switchboard."""

    def __init__(self, board: "Switchboard") -> None:
        self.rosters: dict[str, Roster] = {}
        self._board = board
        self._process = uuid4().hex[:12]
        self._changes: dict[str, dict[str, float]] = {}
        """By channel: users and how long they last from now, where that is to be written."""
        self._renew_at = 0.0
        self._look_from = 0.0
        """After an outage others get the time to write who is with them."""
        self._is_hurried = False
        self._turn = asyncio.Lock()

    # -- Coming and going --------------------------------------------------------------------------

    def join(self, channel: str, user_id: str) -> None:
        roster = self.rosters.setdefault(channel, Roster())
        roster.here[user_id] += 1
        if roster.here[user_id] == 1:
            self._changes.setdefault(channel, {})[user_id] = LASTS_SECONDS

    def leave(self, subscription: "Subscription", *, at_once: bool) -> None:
        """Have a connection gone; `at_once` if the person may not be here any more."""
        channel, user_id = subscription.stream, str(subscription.connection.person.user_id)
        roster = self.rosters[channel]
        roster.unwatch(subscription)
        roster.here[user_id] -= 1
        if roster.here[user_id] <= 0:
            del roster.here[user_id]
            self._changes.setdefault(channel, {})[user_id] = 0.0 if at_once else LINGER_SECONDS
        if roster.is_empty:
            del self.rosters[channel]

    # -- Watching ----------------------------------------------------------------------------------

    def watch(self, subscription: "Subscription") -> None:
        """Have a connection told who is there, and then who comes and goes."""
        roster = self.rosters[subscription.stream]
        roster.unwatch(subscription)
        if roster.attendance is not None:
            roster.watchers.add(subscription)
            self._tell([subscription], roster.attendance.in_full(subscription.name))
            return
        roster.newcomers.add(subscription)
        if not self._is_hurried:
            self._is_hurried = True
            self._board.spawn(self.tick())

    def unwatch(self, subscription: "Subscription") -> None:
        if roster := self.rosters.get(subscription.stream):
            roster.unwatch(subscription)

    def hinted(self, channels: Iterable[str]) -> None:
        for channel in channels:
            if roster := self.rosters.get(channel):
                roster.is_stale = True

    def _tell(self, watchers: Iterable["Subscription"], message: ServerMessage) -> None:
        text = message.encoded()
        for watcher in watchers:
            watcher.put({"type": "stream.said", "stream": watcher.stream, "text": text})

    # -- Once a second -----------------------------------------------------------------------------

    async def tick(self) -> None:
        """Write who came and went here, and look at who did elsewhere."""
        async with self._turn:
            self._is_hurried = False
            try:
                await self._write()
                if time.monotonic() >= self._look_from:
                    await self._look()
            except StoreUnavailableError:
                self._look_from = time.monotonic() + RENEW_SECONDS + TICK_SECONDS

    async def _write(self) -> None:
        changes, self._changes = self._changes, {}
        now = time.monotonic()
        is_due = now >= self._renew_at
        entries = self._renewed(changes) if is_due else changes
        if not entries:
            return
        calls = list(self._calls(entries))
        try:
            await _in_parts(_WRITE, calls)
        except StoreUnavailableError:
            for name, users in changes.items():  # what came meanwhile is newer
                self._changes[name] = users | self._changes.get(name, {})
            raise
        if is_due:
            self._renew_at = now + RENEW_SECONDS
        if changes:
            await self._board.hint("presence.changed", channels=list(changes))

    def _renewed(self, changes: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """Return the changes, and with them everybody who is here."""
        held = {
            name: dict.fromkeys(each.here, LASTS_SECONDS) for name, each in self.rosters.items()
        }
        names = held.keys() | changes.keys()
        merged = {name: held.get(name, {}) | changes.get(name, {}) for name in names}
        return {name: users for name, users in merged.items() if users}

    def _calls(self, entries: dict[str, dict[str, float]]) -> Iterator[Call]:
        for name, users in entries.items():
            remaining = iter(users.items())
            while some := list(islice(remaining, ENTRIES)):
                arguments: list[Argument] = [_milliseconds(LASTS_SECONDS)]
                for user_id, seconds in some:
                    arguments += [f"{user_id}:{self._process}", _milliseconds(seconds)]
                yield [KEY + name], arguments

    async def _look(self) -> None:
        now = time.monotonic()
        due = {
            name: roster
            for name, roster in self.rosters.items()
            if roster.is_watched
            and (roster.is_stale or roster.newcomers or now - roster.looked_at >= LOOK_SECONDS)
        }
        if not due:
            return
        for roster in due.values():
            roster.is_stale, roster.looked_at = False, now
        found = await _read(list(due))
        for (name, roster), attendance in zip(due.items(), found, strict=True):
            self._compare(name, roster, attendance)

    def _compare(self, name: str, roster: Roster, attendance: Attendance) -> None:
        if attendance.is_named:  # who is here is there, even if Redis was emptied just now
            attendance = Attendance.of({*attendance.people, *roster.here})
        change = roster.attendance and attendance.since(roster.attendance, name)
        if change:
            self._tell(roster.watchers, change)
        newcomers, roster.newcomers = roster.newcomers, set()
        if newcomers:
            self._tell(newcomers, attendance.in_full(name))
        roster.watchers |= newcomers
        roster.attendance = attendance if roster.watchers else None


async def _read(channels: Sequence[str]) -> list[Attendance]:
    calls: list[Call] = [([KEY + name], [MOST_NAMED]) for name in channels]
    return [_attendance(*each) for each in await _in_parts(_READ, calls)]


async def _in_parts(script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run a script many times, in round trips that are short however many there are.

    Raises StoreUnavailableError.
    """
    found: list[Any] = []
    for start in range(0, len(calls), CALLS):
        part = calls[start : start + CALLS]
        found += await acall(partial(script.arun_all, calls=part))
    return found


def _attendance(count: int, users: Sequence[bytes]) -> Attendance:
    if count > MOST_NAMED:
        return Attendance(count)
    return Attendance.of(user.decode() for user in users)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
