"""What clients may say over a socket, subprotocol `tenantry.v1`: one JSON object a text frame.

These classes are read strictly where it matters and loosely where it doesn't: a field that is
missing or of the wrong type is refused, one that this version does not know is skipped.
"""

from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, ClassVar, get_args, get_type_hints

import orjson

SUBPROTOCOL = "tenantry.v1"
MAX_REF_LENGTH = 64

Ref = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMessage:
    kind: ClassVar[str]
    ref: Ref | None = None
    """Comes back exactly once, in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth(ClientMessage):
    """Say who you are within 10 seconds, or renew before the token expires."""

    kind = "auth"
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(ClientMessage):
    """Ask for a pong."""

    kind = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(ClientMessage):
    """Join a channel; `since` is the "<epoch>:<offset>" up to which you have everything."""

    kind = "subscribe"
    channel: str
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(ClientMessage):
    """Leave a channel."""

    kind = "unsubscribe"
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(ClientMessage):
    """Say something on a channel that you are subscribed to, where clients may.

    It is said to everybody who listens, you too, with your user id as its `sender`.
    """

    kind = "publish"
    channel: str
    event: str
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(ClientMessage):
    """Ask who is on a channel, and be told who comes and goes."""

    kind = "presence"
    channel: str


KINDS: dict[str, type[ClientMessage]] = {
    message.kind: message for message in (Auth, Ping, Subscribe, Unsubscribe, Publish, Presence)
}


class MalformedError(Exception):
    """A frame that says nothing we understand; `ref` where it could be read."""

    def __init__(self, detail: str, *, ref: Ref | None = None, code: str = "malformed") -> None:
        super().__init__(detail)
        self.detail, self.ref, self.code = detail, ref, code


def read(text: str | None) -> ClientMessage:
    """Read one frame; None stands for a binary one. Raises MalformedError."""
    if text is None:
        raise MalformedError("Send text frames: one JSON object each.")
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MalformedError("This is not JSON.") from None
    if not isinstance(body, dict):
        raise MalformedError("Send one JSON object a frame.")
    ref = _ref(body)
    kind = body.get("type")
    message = KINDS.get(kind) if isinstance(kind, str) else None
    if message is None:
        raise MalformedError(f"`type` is one of {', '.join(KINDS)}.", ref=ref)
    return message(ref=ref, **_fields(message, body, ref))


def _fields(message: type[ClientMessage], body: dict[str, Any], ref: Ref | None) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, allowed in _TYPES[message].items():
        if name in body and isinstance(body[name], allowed):
            given[name] = body[name]
        elif name in body:
            raise MalformedError(f"`{name}` is of the wrong type.", ref=ref)
        elif name in _REQUIRED[message]:
            raise MalformedError(f"`{name}` is missing.", ref=ref)
    return given


def _ref(body: dict[str, Any]) -> Ref | None:
    ref = body.get("ref")
    if ref is None:
        return None
    is_text = isinstance(ref, str) and len(ref) <= MAX_REF_LENGTH
    if not is_text and (not isinstance(ref, int) or isinstance(ref, bool)):
        raise MalformedError(f"`ref` is a text of up to {MAX_REF_LENGTH} characters, or a number.")
    found: Ref = ref
    return found


def _types(message: type[ClientMessage]) -> dict[str, tuple[type, ...]]:
    return {
        name: (object,) if hint is Any else _members(hint)
        for name, hint in get_type_hints(message).items()
        if name not in {"kind", "ref"}
    }


def _members(hint: Any) -> tuple[type, ...]:
    return get_args(hint) if isinstance(hint, UnionType) else (hint or NoneType,)


def _required(message: type[ClientMessage]) -> set[str]:
    return {field.name for field in fields(message) if field.default is MISSING}


_TYPES = {message: _types(message) for message in KINDS.values()}
_REQUIRED = {message: _required(message) for message in KINDS.values()}
"""Of each kind's fields; made once, for they are asked for at every message."""
