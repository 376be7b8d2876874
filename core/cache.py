"""The cache, shared by all processes through Redis.

    @cached(expire=600, key_prefix="plan", tenant="organization_id")
    def plan_of(organization_id: UUID) -> str: ...

    plan_of(organization.pk)
    plan_of.forget(organization.pk)
    cache.clear(f"plan:{organization.pk}:*")

Values are plain data. When Redis is away, functions simply run, reads find nothing, and nothing
raises; what is forgotten meanwhile may come back with Redis and then lives until it expires, so
choose `expire` for how long a wrong value can be borne.
"""

import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, cast

from asgiref.sync import markcoroutinefunction

from core.cache_keys import KeyMaker
from core.cache_local import MISSING, LocalCache
from core.cache_turns import (
    TURN_SECONDS,
    Refill,
    adrive,
    drive,
    names,
    pattern,
    seal,
    unseal,
    value_name,
)
from core.redis import AsyncClient, Client, StoreUnavailableError, acall, call

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Seconds = float | timedelta

_BATCH = 500
_functions: dict[str, "Cached[Any, Any]"] = {}


class Cache:
    """Values under keys of one's own choosing; coroutines use the twins that begin with `a`."""

    def get(self, key: str, default: Any = None) -> Any:
        return _open(_quietly(lambda client: client.get(value_name(key)), None), default)

    async def aget(self, key: str, default: Any = None) -> Any:
        return _open(await _aquietly(lambda client: client.get(value_name(key)), None), default)

    def set(self, key: str, value: object, *, expire: Seconds) -> bool:
        """Keep the value for `expire` seconds; False when Redis is away."""
        sealed, life = _sealed(value, expire)
        return bool(_quietly(lambda client: client.set(value_name(key), sealed, px=life), False))

    async def aset(self, key: str, value: object, *, expire: Seconds) -> bool:
        sealed, life = _sealed(value, expire)
        stored = await _aquietly(lambda client: client.set(value_name(key), sealed, px=life), False)
        return bool(stored)

    def delete(self, key: str) -> bool:
        """Forget one value, and the result of its computation if one is running.

        False when Redis is away and the value may live on until it expires.
        """
        _forget_locally(key)
        return _quietly(lambda client: client.delete(*names(key)), None) is not None

    async def adelete(self, key: str) -> bool:
        _forget_locally(key)
        return await _aquietly(lambda client: client.delete(*names(key)), None) is not None

    forget, aforget = delete, adelete

    def clear(self, glob: str) -> int:
        """Forget every key that matches, e.g. `plan:*`; return how many Redis keys went.

        Walks the whole key space in small steps: for changes of an administrator or a release,
        not for every request.
        """
        _clear_locally()
        return _quietly(lambda client: _clear(client, pattern(glob)), 0)

    async def aclear(self, glob: str) -> int:
        _clear_locally()
        return await _aquietly(lambda client: _aclear(client, pattern(glob)), 0)


cache = Cache()


class Cached(Generic[P, R]):
    """A function whose results are kept. Calling it is all most callers need."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        key_of: KeyMaker,
        expire: float,
        local: LocalCache | None,
    ) -> None:
        self.key_of = key_of
        self.expire = expire
        self.local = local
        self.turn_seconds = TURN_SECONDS
        self._function = function
        self._calls: Callable[[Any, Any], Any] = (
            self._acall if inspect.iscoroutinefunction(function) else self._call
        )
        update_wrapper(self, function)
        if inspect.iscoroutinefunction(function):
            markcoroutinefunction(cast(Any, self))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = self._calls(args, kwargs)  # no cast: it would be another call
        return result

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result of the call with these arguments, as Cache.delete does."""
        return cache.delete(self.key_of(*args, **kwargs))

    async def aforget(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        return await cache.adelete(self.key_of(*args, **kwargs))

    def clear(self) -> int:
        return cache.clear(f"{self.key_of.prefix}:*")

    async def aclear(self) -> int:
        return await cache.aclear(f"{self.key_of.prefix}:*")

    def _call(self, args: Any, kwargs: Any) -> Any:
        key = self.key_of(*args, **kwargs)
        if self.local is None:
            return self._shared(key, args, kwargs)
        value = self.local.get(key)
        if value is MISSING:
            begun = self.local.begin()
            value = self._shared(key, args, kwargs)
            self.local.put(key, value, begun=begun)
        return value

    async def _acall(self, args: Any, kwargs: Any) -> Any:
        key = self.key_of(*args, **kwargs)
        if self.local is None:
            return await self._ashared(key, args, kwargs)
        value = self.local.get(key)
        if value is MISSING:
            begun = self.local.begin()
            value = await self._ashared(key, args, kwargs)
            self.local.put(key, value, begun=begun)
        return value

    def _shared(self, key: str, args: Any, kwargs: Any) -> Any:
        name = value_name(key)
        try:
            entry = unseal(call(lambda client: client.get(name)))
        except StoreUnavailableError:
            return self._function(*args, **kwargs)
        if entry and entry.is_fresh:
            return entry.value
        refill = Refill(key, self.expire, self.turn_seconds)
        return drive(refill.steps(), lambda: self._function(*args, **kwargs))

    async def _ashared(self, key: str, args: Any, kwargs: Any) -> Any:
        function = cast(Callable[..., Awaitable[Any]], self._function)
        name = value_name(key)
        try:
            entry = unseal(await acall(lambda client: client.get(name)))
        except StoreUnavailableError:
            return await function(*args, **kwargs)
        if entry and entry.is_fresh:
            return entry.value
        refill = Refill(key, self.expire, self.turn_seconds)
        return await adrive(refill.steps(), lambda: function(*args, **kwargs))


def cached(
    *,
    expire: Seconds,
    key_prefix: str,
    local_seconds: float = 0.0,
    tenant: str | None = None,
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """Keep a function's results for `expire` seconds, one for each set of arguments.

    All processes together compute an expired result once. `tenant` names the parameter that holds
    the organization; it then stands first in the key, and `clear` can name it. `local_seconds`
    also keeps results in this process, where a forget in another process is not heard of.

    Works on functions and coroutine functions whose arguments are plain values.
    """

    def decorate(function: Callable[P, R]) -> Cached[P, R]:
        key_of = KeyMaker(function, prefix=key_prefix, tenant=tenant)
        local = LocalCache(seconds=local_seconds) if local_seconds > 0 else None
        made = Cached(function, key_of=key_of, expire=_seconds(expire), local=local)
        _register(key_prefix, made)
        return made

    return decorate


def _register(prefix: str, function: Cached[Any, Any]) -> None:
    known = _functions.get(prefix, function)
    if known.key_of.name != function.key_of.name:  # the same name: its module was loaded again
        raise ValueError(f"the key prefix {prefix!r} is taken by {known.key_of.name}")
    _functions[prefix] = function


def _forget_locally(key: str) -> None:
    for function in list(_functions.values()):
        if function.local is not None and key.startswith(f"{function.key_of.prefix}:"):
            function.local.forget(key)


def _clear_locally() -> None:
    for function in list(_functions.values()):
        if function.local is not None:
            function.local.clear()


def _seconds(expire: Seconds) -> float:
    seconds = expire.total_seconds() if isinstance(expire, timedelta) else float(expire)
    if seconds <= 0:
        raise ValueError("expire must be positive")
    return seconds


def _sealed(value: object, expire: Seconds) -> tuple[bytes, int]:
    seconds = _seconds(expire)
    return seal(value, expire=seconds), max(1, round(seconds * 1000))


def _open(stored: Any, default: Any) -> Any:
    entry = unseal(stored)
    return entry.value if entry and entry.is_fresh else default


def _quietly(command: Callable[[Client], Any], default: T) -> T | Any:
    try:
        return call(command)
    except StoreUnavailableError:
        return default


async def _aquietly(command: Callable[[AsyncClient], Awaitable[Any]], default: T) -> T | Any:
    try:
        return await acall(command)
    except StoreUnavailableError:
        return default


def _clear(client: Client, match: str) -> int:
    cursor, gone = 0, 0
    while True:
        cursor, found = cast(Any, client.scan(cursor, match=match, count=_BATCH))
        if found:
            gone += client.unlink(*found)
        if not cursor:
            return gone


async def _aclear(client: AsyncClient, match: str) -> int:
    cursor, gone = 0, 0
    while True:
        cursor, found = await client.scan(cursor, match=match, count=_BATCH)
        if found:
            gone += await client.unlink(*found)
        if not cursor:
            return gone
