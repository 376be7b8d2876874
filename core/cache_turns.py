"""One recompute per expiry, over all processes.

A value carries its own, soft, moment of expiry and outlives it by a grace. Whoever meets an
expired one takes the turn (a short lock) and computes; meanwhile the others serve the stale value,
or, where there is none, wait for the result.

What to do is written once, as a generator of steps; the two `drive` functions perform the steps for
threads and for coroutines.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from core.cache_codec import pack, unpack
from core.redis import KEY_PREFIX, Argument, Script, StoreUnavailableError, acall, call

GRACE_SECONDS = 30.0
TURN_SECONDS = 30.0
"""A crashed winner blocks others for as long; a longer computation may be begun a second time."""
LONGEST_SECONDS = 600.0
"""The result of a longer computation is not kept."""
PATIENCE_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.1

# The turn key names the last turn taken. Forgetting deletes it, so that a result whose computation
# began before is not kept; the lock may expire without harm to the one who still computes.
_TAKE_TURN = Script("""
local taken = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
if taken then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3]) end
return {taken and 1 or 0, redis.call('GET', KEYS[1])}
""")
_KEEP = Script("""
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2], KEYS[3])
return 1
""")
_END_TURN = Script("""
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
""")

_MOMENT = struct.Struct(">d")
_VALUES = f"{KEY_PREFIX}cache:v:"


class Entry(NamedTuple):  # no frozen dataclass, which takes four times as long to make
    """A stored value and when it expires softly, in seconds since 1970."""

    value: Any
    expires_at: float

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.expires_at


def seal(value: object, *, expire: float) -> bytes:
    return _MOMENT.pack(time.time() + expire) + pack(value)


def unseal(stored: Any) -> Entry | None:
    """Return what was sealed; None also for what an older release wrote and we can't read."""
    if stored is None:
        return None
    try:
        (moment,) = _MOMENT.unpack_from(stored)
        return Entry(unpack(stored[_MOMENT.size :]), moment)
    except (struct.error, ValueError, LookupError, TypeError, ArithmeticError):
        return None


def value_name(key: str) -> str:
    return _VALUES + key


def names(key: str) -> list[str]:
    """Return the Redis keys of a value, its lock and its turn."""
    return [f"{KEY_PREFIX}cache:{kind}:{key}" for kind in ("v", "l", "t")]


def pattern(glob: str) -> str:
    return f"{KEY_PREFIX}cache:[vlt]:{glob}"


@dataclass(frozen=True, slots=True)
class Run:
    script: Script
    keys: list[str]
    arguments: list[Argument]


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


class Compute:
    pass


_OUR_TURN: Any = object()
_NO_TURN: Any = object()

Step = Run | Wait | Compute
Steps = Generator[Step, Any, Any]


@dataclass(frozen=True, slots=True)
class Refill:
    """How one expired or missing value comes to be there again."""

    key: str
    expire: float
    turn_seconds: float = TURN_SECONDS

    def steps(self) -> Steps:
        token = uuid4().hex
        try:
            found = yield from self._turn_or_value(token)
        except StoreUnavailableError:
            found = _NO_TURN
        if found is _NO_TURN:
            return (yield Compute())
        if found is _OUR_TURN:
            return (yield from self._compute(token))
        return found

    def _turn_or_value(self, token: str) -> Steps:
        """Return a value that somebody else made, _OUR_TURN, or _NO_TURN when patience ran out."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        found = yield from self._ask(token)
        while found is _NO_TURN and time.monotonic() < deadline:
            yield Wait(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
            found = yield from self._ask(token)
        return found

    def _ask(self, token: str) -> Steps:
        arguments: list[Argument] = [token, _ms(self.turn_seconds), _ms(LONGEST_SECONDS)]
        taken, stored = yield Run(_TAKE_TURN, names(self.key), arguments)
        entry = unseal(stored)
        if not taken:
            return entry.value if entry else _NO_TURN
        if entry and entry.is_fresh:  # made between our read and our turn
            yield Run(_END_TURN, names(self.key), [token])
            return entry.value
        return _OUR_TURN

    def _compute(self, token: str) -> Steps:
        try:
            value = yield Compute()
            sealed = seal(value, expire=self.expire)
        except BaseException:
            yield from self._quietly(_END_TURN, [token])
            raise
        life = self.expire + min(self.expire, GRACE_SECONDS)
        yield from self._quietly(_KEEP, [token, sealed, _ms(life)])
        return value

    def _quietly(self, script: Script, arguments: list[Argument]) -> Steps:
        try:
            yield Run(script, names(self.key), arguments)
        except StoreUnavailableError:
            return


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def drive(steps: Steps, compute: Callable[[], Any]) -> Any:
    try:
        step = next(steps)
        while True:
            try:
                answer = _perform(step, compute)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value


def _perform(step: Step, compute: Callable[[], Any]) -> Any:
    if isinstance(step, Run):
        return call(lambda client: step.script.run(client, step.keys, step.arguments))
    if isinstance(step, Wait):
        return time.sleep(step.seconds)
    return compute()


async def adrive(steps: Steps, compute: Callable[[], Awaitable[Any]]) -> Any:
    try:
        step = next(steps)
        while True:
            try:
                answer = await _aperform(step, compute)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return end.value


async def _aperform(step: Step, compute: Callable[[], Awaitable[Any]]) -> Any:
    if isinstance(step, Run):
        return await acall(lambda client: step.script.arun(client, step.keys, step.arguments))
    if isinstance(step, Wait):
        return await asyncio.sleep(step.seconds)
    return await compute()
