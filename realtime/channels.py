"""The kinds of channels: who may join one, who may publish to it, and what is said there.

    channels.register(Kind("project", may_join=…, may_publish=…, meaning="…", key="…"))
    channels.document("project", EventType("task.done", "A task was done.", {"type": "object"}))

An app of yours registers its kinds in `apps.py`, and documents what it says on them or on those of
others: /api/asyncapi tells clients. A channel is called `<kind>` or `<kind>:<id>`;
`user` is the caller's own and needs no id, on the wire at least: its stream is `user:<id>`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from realtime.people import Person

EVENT = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
"""What an event is called, e.g. `member.joined`."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}(:[A-Za-z0-9_-]{1,64})?")


@dataclass(frozen=True, slots=True)
class Leave:
    """That somebody may join: what was said before `since` is not theirs to read; None: all is."""

    since: datetime | None = None
    without: frozenset[str] = frozenset()
    """The first words of events that are not theirs to hear: `member` for `member.joined`."""
    sees_people: bool = True
    """Whether they may know who else is here."""


@dataclass(frozen=True, slots=True)
class Closed:
    """That a channel is there for somebody, and can't be heard now. Others are told nothing."""

    code: str
    detail: str


MayJoin = Callable[[Person, str], Awaitable[Leave | Closed | None]]
"""Takes who asks and the id in the channel's name, "" without one; None refuses."""

MayPublish = Callable[[Person, str, str, Any], Awaitable[bool]]
"""Takes who asks, the id, the event and its data."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    may_join: MayJoin
    may_publish: MayPublish | None = None
    """None: only the server says anything."""
    has_presence: bool = False
    """Whether its listeners are told, if they ask, who else listens."""
    meaning: str = ""
    """Who hears what, in a sentence for those who write clients."""
    key: str = ""
    """What the id behind the colon is, e.g. "The project's id"; empty where there is none."""


@dataclass(frozen=True, slots=True)
class EventType:
    """What may be said on channels of one kind."""

    name: str
    meaning: str
    data: Mapping[str, Any]
    """A JSON Schema of the event's data."""
    from_clients: bool = False
    """Whether clients may say it too, those that the kind's `may_publish` lets."""


_kinds: dict[str, Kind] = {}
_events: dict[str, dict[str, EventType]] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def unregister(name: str) -> None:
    _kinds.pop(name, None)


def document(kind: str, *events: EventType) -> None:
    """Tell clients what is said on channels of a kind, whichever app registers that."""
    _events.setdefault(kind, {}).update({event.name: event for event in events})


def kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=attrgetter("name"))


def events(kind: str) -> list[EventType]:
    """Return what is documented of a kind's channels; more may be said there."""
    return sorted(_events.get(kind, {}).values(), key=attrgetter("name"))


def event(kind: str, name: str) -> EventType | None:
    return _events.get(kind, {}).get(name)


def split(channel: str) -> tuple[Kind, str] | None:
    """Return the kind and the id of a channel; None for a name that is none."""
    if not NAME.fullmatch(channel):
        return None
    name, _, key = channel.partition(":")
    kind = _kinds.get(name)
    return (kind, key) if kind else None


def on_the_wire(stream: str) -> str:
    """Return what clients call a stream: one's own is `user`."""
    return "user" if stream.startswith("user:") else stream


def stream_for(kind: Kind, channel: str, user_id: UUID) -> str:
    """Return the stream that somebody means by a channel of this kind."""
    return f"user:{user_id}" if kind.name == "user" else channel


def stream_of(channel: str) -> str:
    """Return the stream of a channel as the server calls it. Raises ValueError for no such kind."""
    if split(channel) is None:
        raise ValueError(f"No app has registered a channel like {channel!r}")
    return channel
