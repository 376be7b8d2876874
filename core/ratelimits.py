"""Rate limits: exact moving windows, counted for all processes together in Redis.

A scope is a name in settings.RATE_LIMITS with a value like "10/60", ten in sixty seconds; a scope
that is not there is off. While Redis is away the same windows are kept in this process's memory.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from django.conf import settings

from core.errors import RateLimitedError
from core.memory_limits import MemoryLimits
from core.redis import KEY_PREFIX, Script, StoreUnavailableError, call

# One list of moments for each key, oldest first, by Redis's own clock: processes on hosts whose
# clocks differ agree. Refused tries leave no trace, so a list never grows beyond the limit, and
# waiting as told is always enough. After the limit was lowered the list may be longer than it:
# then the moment to wait for is the one whose end leaves less than the limit. Several tries at once
# count together or not at all.
COUNT = """
local function count(key, limit, window, tries)
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local first = redis.call('LINDEX', key, 0)
  while first and tonumber(first) <= now - window do
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end
  local used = redis.call('LLEN', key)
  if used + tries > limit then
    local next = redis.call('LINDEX', key, used + tries - limit - 1) or now
    return {0, used, next + window - now, 0}
  end
  local stamp = string.format('%.0f', now)
  for _ = 1, tries do
    redis.call('RPUSH', key, stamp)
  end
  redis.call('PEXPIRE', key, math.ceil(window / 1000))
  return {1, used + tries, (first or now) + window - now, now}
end
"""
"""For scripts that count while they are there: takes numbers, returns what `Try.verdict` reads."""

_HIT = Script(
    COUNT + "return count(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))"
)

_VALUE = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,6})", re.ASCII)
_MICROSECONDS = 1_000_000

COUNTED = "tenantry.counted"
"""In a request's META: the verdict, where who asks was counted as soon as they were known."""

_memory = MemoryLimits()

SCOPES = {
    "sign_in": "client address",
    "sign_in_failures": "account; only failures count, without headers of their own",
    "forgot_password": "mailbox that a link was asked for",
    "register": "client address",
    "verification_mails": "mailbox that a mail would go to; beyond it none goes out, and the "
    "answer stays the same",
    "user": "signed-in user, for every other call",
    "address": "client address, for every other call without a user",
    "tickets": "signed-in user who asks for a ticket of /ws/v1",
}
"""What settings.RATE_LIMITS may name, a misspelled scope would be a limit that never holds; and
what each counts by, for the reference."""


def register(scope: str, *, counted_by: str = "") -> None:
    """Add a scope of your own, so that RATE_LIMITS may name it."""
    SCOPES[scope] = counted_by


@dataclass(frozen=True, slots=True)
class Rate:
    limit: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one try was told. Seconds are whole and rounded up."""

    scope: str
    allowed: bool
    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int
    """Until the oldest try that counts stops counting, and one more is possible than now."""
    retry_after_seconds: int
    """At least 1 when refused, 0 when allowed."""
    entry: str
    """Names this try for `give_back`; empty when refused."""
    count: int = 1
    """How many tries these are."""


class LimitReachedError(RateLimitedError):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(retry_after_seconds=verdict.retry_after_seconds)
        self.verdict = verdict


def parse(value: object) -> Rate:
    """Read "LIMIT/WINDOW_SECONDS". Raises ValueError with one line for an operator."""
    return _parse(value if isinstance(value, str) else repr(value))


@lru_cache(maxsize=256)
def _parse(value: str) -> Rate:
    match = _VALUE.fullmatch(value)
    if match is None:
        raise ValueError(f"must look like 10/60 (ten in sixty seconds), not {value!r}")
    return Rate(limit=int(match[1]), window_seconds=int(match[2]))


@dataclass(frozen=True, slots=True)
class Try:
    """One try before it is counted, or several that count together or not at all."""

    scope: str
    rate: Rate
    name: str
    """The key in the store."""
    count: int

    @property
    def arguments(self) -> tuple[int, int, int]:
        """What `count` takes after the key."""
        return self.rate.limit, self.rate.window_seconds * _MICROSECONDS, self.count

    def verdict(self, answer: Sequence[int], *, store: str = "r") -> "Verdict":
        allowed, used, wait, stamp = answer
        reset = max(1, -(-wait // _MICROSECONDS))
        return Verdict(
            scope=self.scope,
            allowed=bool(allowed),
            limit=self.rate.limit,
            remaining=max(0, self.rate.limit - used),
            window_seconds=self.rate.window_seconds,
            reset_seconds=reset,
            retry_after_seconds=0 if allowed else reset,
            entry=f"{store}:{stamp}" if allowed else "",
            count=self.count,
        )


def prepare(scope: str, key: str, *, count: int = 1) -> Try | None:
    """Return a try of `key` for a script that counts it. None: this scope is off."""
    value = settings.RATE_LIMITS.get(scope)
    if value is None:
        return None
    return Try(scope=scope, rate=parse(value), name=_name(scope, key), count=count)


def hit(scope: str, key: str, *, count: int = 1) -> Verdict | None:
    """Count a try of `key`, or all of several, if the limit allows it. None: this scope is off."""
    tried = prepare(scope, key, count=count)
    if tried is None:
        return None
    try:
        return tried.verdict(call(lambda client: _HIT.run(client, [tried.name], tried.arguments)))
    except StoreUnavailableError:
        limit, window, _ = tried.arguments
        answer = _memory.hit(tried.name, limit=limit, window=window, count=count)
        return tried.verdict(answer, store="m")


def take(scope: str, key: str, *, count: int = 1) -> Verdict | None:
    """Like `hit`, for callers who go no further when refused. Raises LimitReachedError."""
    return insist(hit(scope, key, count=count))


def insist(verdict: Verdict | None) -> Verdict | None:
    """Raise LimitReachedError where a try was refused."""
    if verdict is not None and not verdict.allowed:
        raise LimitReachedError(verdict)
    return verdict


def give_back(scope: str, key: str, verdict: Verdict) -> None:
    """Take a counted try back: it succeeded, and only failures are to count.

    Count first and give back afterwards: a limit that is asked first and counted later lets as
    many parallel tries through as there are. A second call does nothing.
    """
    store, _, stamp = verdict.entry.partition(":")
    name = _name(scope, key)
    if store == "m":
        _memory.give_back(name, int(stamp), count=verdict.count)
    elif store == "r":
        with suppress(StoreUnavailableError):  # then the window forgets it
            call(lambda client: client.lrem(name, -verdict.count, stamp))


def policy_header(verdict: Verdict) -> str:
    """Return RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
    return f'"{verdict.scope}";q={verdict.limit};w={verdict.window_seconds}'


def limit_header(verdict: Verdict) -> str:
    """Return RateLimit (draft-ietf-httpapi-ratelimit-headers-10)."""
    return f'"{verdict.scope}";r={verdict.remaining};t={verdict.reset_seconds}'


def _name(scope: str, key: str) -> str:
    """Return the key in the store. Hashed: it is an address or an email."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{KEY_PREFIX}limit:{scope}:{digest}"
