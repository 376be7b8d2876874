"""From a call to its key: the same for every way of writing the call, different for every other."""

import inspect
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import quote
from uuid import UUID

PREFIX = re.compile(r"[a-z][a-z0-9_.-]*(?::[a-z0-9_.-]+)*", re.ASCII)
_LONGEST = 160
_REMEMBERED = 2048

# A letter for the type in front, so that 1, "1" and True differ.
_ENCODERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "n",
    bool: lambda value: "T" if value else "F",
    int: lambda value: f"i{value}",
    str: lambda value: "s" + _quote(value),
    UUID: lambda value: f"u{value}",
    float: lambda value: "f" + _quote(repr(value)),
    bytes: lambda value: "b" + value.hex(),
    Decimal: lambda value: "m" + _quote(str(value)),
    datetime: lambda value: "d" + _quote(f"{value.isoformat()}/{value.fold}"),
    date: lambda value: "D" + value.isoformat(),
}
# Of these, values that compare equal are the same. Not so 0.0 and -0.0, Decimal("1") and
# Decimal("1.0"), or one moment in two time zones, which a function may well treat differently.
_REMEMBERABLE = (type(None), bool, int, str, UUID, bytes, Enum)


def _quote(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def encode(value: object) -> str:
    """Return one argument's part of a key. Raises TypeError for what has no lasting identity."""
    encoder = _ENCODERS.get(type(value))
    if encoder:
        return encoder(value)
    if isinstance(value, Enum):
        # A TextChoices member and the text that the database returns for it are one value.
        own = isinstance(value, str | int)
        return encode(value.value) if own else _quote(f"e{type(value).__qualname__}.{value.name}")
    if isinstance(value, str):
        return encode(str.__str__(value))
    raise TypeError(
        f"a {type(value).__qualname__} can't be part of a cache key: pass an id or a plain value"
    )


class KeyMaker:
    """Makes the keys of one function: `prefix:tenant:arguments`, in the order of its signature."""

    def __init__(self, function: Callable[..., Any], *, prefix: str, tenant: str | None) -> None:
        self._signature = inspect.signature(function)
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._tenant = tenant
        self.prefix = prefix
        self._check()
        self._remembered = lru_cache(maxsize=_REMEMBERED, typed=True)(self._make_rememberable)

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        try:
            return self._remembered(*args, **kwargs)
        except (_NotRememberableError, TypeError):  # TypeError: unhashable, or the call is wrong
            return self._make(*args, **kwargs)

    def _check(self) -> None:
        parameters = self._signature.parameters.values()
        if any(p.kind in {p.VAR_POSITIONAL, p.VAR_KEYWORD} for p in parameters):
            raise TypeError(f"{self.name} can't be cached: it must name its parameters")
        if self._tenant is not None and self._tenant not in self._signature.parameters:
            raise TypeError(f"{self.name} has no parameter {self._tenant!r} for its tenant")
        if not PREFIX.fullmatch(self.prefix):
            raise ValueError(f"{self.prefix!r} is no key prefix: use words like user:profile")

    def _make_rememberable(self, *args: Any, **kwargs: Any) -> str:
        if not all(isinstance(value, _REMEMBERABLE) for value in (*args, *kwargs.values())):
            raise _NotRememberableError
        return self._make(*args, **kwargs)

    def _make(self, *args: Any, **kwargs: Any) -> str:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        try:
            parts = ":".join(map(encode, bound.arguments.values()))
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        if len(parts) > _LONGEST:
            parts = "h" + blake2b(parts.encode(), digest_size=20).hexdigest()
        if self._tenant is None:
            return f"{self.prefix}:{parts}"
        return f"{self.prefix}:{_quote(str(bound.arguments[self._tenant]))}:{parts}"


class _NotRememberableError(Exception):
    pass
