"""What the server says over a socket, subprotocol `tenantry.v1`: one JSON object a text frame.

These classes are what docs/reference/realtime.md and /api/asyncapi are written from. A field that
is None by default is left out of the frame; clients skip fields that they do not know.
"""

from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson

from core.api.serializers import rfc3339
from realtime.protocol import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMessage:
    kind: ClassVar[str]

    def encoded(self) -> str:
        """Return the frame, of which an event's is made once, however many read it."""
        body: dict[str, Any] = {"type": self.kind}
        for name, is_required in _FIELDS[self.kind]:
            value = getattr(self, name)
            if is_required or value is not None:
                body[name] = value
        return orjson.dumps(body, rfc3339, orjson.OPT_PASSTHROUGH_DATETIME).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(ServerMessage):
    """You are known, and from now on you hear your own channel, `user`."""

    kind = "welcome"
    connection_id: str
    user_id: str
    session_id: str
    heartbeat_s: int
    """The server pings this often; a client that heard nothing for twice as long is alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(ServerMessage):
    """Something was said on a channel."""

    kind = "event"
    id: UUID
    """The same wherever and however often the message arrives."""
    channel: str
    offset: int
    """The message's place on its channel: one more than the message before it has."""
    event: str
    """What happened, e.g. `member.joined`."""
    data: Any
    at: datetime
    sender: UUID | None = None
    """The user who said it, on channels where clients publish: put there by the server, whatever
    stands in `data`. What the server says has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(ServerMessage):
    """What was asked for is done."""

    kind = "ack"
    ref: Ref | None = None
    """The `ref` of the message that this answers."""
    channel: str | None = None
    epoch: str | None = None
    """After `subscribe`: names the count that offsets belong to."""
    offset: int | None = None
    """After `subscribe`: how far the channel had come. What you hear next is behind it, but for
    what is replayed."""
    recovered: bool | None = None
    """After `subscribe` with `since`: whether all that was missed follows. If not, fetch anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(ServerMessage):
    """What was asked for is not done. The connection stays."""

    kind = "error"
    ref: Ref | None = None
    """The `ref` of the message that this answers, where one could be read."""
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(ServerMessage):
    """The answer to a ping."""

    kind = "pong"
    ref: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthExpiring(ServerMessage):
    """Your token is over soon: send `auth` with a fresh one, and nothing is interrupted."""

    kind = "auth_expiring"
    in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribed(ServerMessage):
    """You lost a channel, e.g. because you no longer belong to its organization."""

    kind = "unsubscribed"
    channel: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(ServerMessage):
    """Who came to a channel and who left it since the last time you were told. The first one behind
    the answer to `presence` lists everybody."""

    kind = "presence"
    channel: str
    joined: list[str]
    """Ids of users."""
    left: list[str]
    count: int
    """How many are there now. Over 500 nobody is named: forget your list. When they are fewer
    again, `joined` lists everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(ServerMessage):
    """Why a stream of /sse/v1 ends; its last event. A socket has a close frame for that."""

    kind = "closed"
    code: int


KINDS: dict[str, type[ServerMessage]] = {
    message.kind: message
    for message in (Welcome, Event, Ack, Error, Pong, AuthExpiring, Unsubscribed, Presence, Closed)
}

_FIELDS = {
    kind: [(field.name, field.default is MISSING) for field in fields(message)]
    for kind, message in KINDS.items()
}
"""The names of each kind's fields, and whether every frame has it."""
