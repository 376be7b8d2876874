"""How cached values are written down: msgpack with the plain types that Python code returns.

Never pickle: whoever can write to the store could run code in us. What comes back equals what went
in, except that a special kind of a plain type comes back as the plain type (a TextChoices member
as str, an OrderedDict as dict).
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack


def pack(value: object) -> bytes:
    """Return the value as bytes. Raises TypeError for anything but plain data."""
    # Without strict types a tuple would come back as a list.
    packed: bytes = msgpack.packb(value, default=_extend, strict_types=True)  # type: ignore[no-untyped-call]
    return packed


def unpack(packed: bytes | memoryview) -> Any:
    return msgpack.unpackb(packed, ext_hook=_decode, strict_map_key=False)  # type: ignore[attr-defined,no-untyped-call]


def _text(write: Callable[[Any], str]) -> Callable[[Any], bytes]:
    return lambda value: write(value).encode()


def _items(value: Any) -> bytes:
    return pack(list(value))


def _timedelta(value: timedelta) -> bytes:
    return pack([value.days, value.seconds, value.microseconds])


# In this order (a datetime is a date as well); the place is the type's code in stored values, so
# new types go to the end.
_EXTENSIONS: list[tuple[type, Callable[[Any], bytes], Callable[[bytes], Any]]] = [
    (UUID, lambda value: value.bytes, lambda data: UUID(bytes=data)),
    (datetime, _text(datetime.isoformat), lambda data: datetime.fromisoformat(data.decode())),
    (date, _text(date.isoformat), lambda data: date.fromisoformat(data.decode())),
    (time, _text(time.isoformat), lambda data: time.fromisoformat(data.decode())),
    (timedelta, _timedelta, lambda data: timedelta(*unpack(data))),
    (Decimal, _text(str), lambda data: Decimal(data.decode())),
    (tuple, _items, lambda data: tuple(unpack(data))),
    (set, _items, lambda data: set(unpack(data))),
    (frozenset, _items, lambda data: frozenset(unpack(data))),
    (int, _text(int.__repr__), lambda data: int(data)),  # over 64 bits, and IntegerChoices
]
_PLAIN: list[tuple[type, Callable[[Any], Any]]] = [
    (str, str.__str__),
    (float, float),
    (bytes, bytes),
    (dict, dict),
    (list, list),
]


def _extend(value: Any) -> Any:
    for code, (kind, write, _) in enumerate(_EXTENSIONS):
        if isinstance(value, kind):
            return msgpack.ExtType(code, write(value))  # type: ignore[attr-defined,no-untyped-call]
    for kind, plain in _PLAIN:
        if isinstance(value, kind):
            return plain(value)
    raise TypeError(f"can't cache a {type(value).__qualname__}: cache ids and plain values")


def _decode(code: int, data: bytes) -> Any:
    return _EXTENSIONS[code][2](data)
