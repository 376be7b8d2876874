"""How an event becomes a message: which of its fields are told, and on whose channel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from core.api.serializers import plain
from realtime.services.sending import Message

PLAIN: dict[Any, str] = {UUID: "uuid", datetime: "date-time", str: "", bool: "", NoneType: ""}
JSON_TYPES: dict[Any, str] = {bool: "boolean", NoneType: "null"}
KEYS = {
    "organization": "organization_id",
    "invitations": "organization_id",
    "user": "user_id",
}
"""The field of an event that names the channel, where there is more than one of the kind."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One message: the fields of an event, on the channel that another field of it names."""

    kind: str
    """Of the channel."""
    event: str
    meaning: str
    shows: tuple[str, ...] = ()
    unless: Callable[[Any], bool] = lambda event: False

    def messages(self, events: Sequence[Any]) -> list[Message]:
        return [
            Message(self._channel(event), self.event, self.data(event))
            for event in events
            if not self.unless(event)
        ]

    def _channel(self, event: Any) -> str:
        key = KEYS.get(self.kind)
        return f"{self.kind}:{getattr(event, key)}" if key else self.kind

    def data(self, event: Any) -> dict[str, Any]:
        hints = get_type_hints(type(event))
        values = {name: getattr(event, name) for name in self.shows}
        return {
            name: plain(value[1] if is_pair(hints[name]) else value)
            for name, value in values.items()
        }

    def schema(self, event: type) -> dict[str, Any]:
        hints = get_type_hints(event)
        properties = {name: schema_of(hints[name]) for name in self.shows}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


def is_pair(hint: Any) -> bool:
    """Tell whether a field holds what was before and what is now."""
    return get_origin(hint) is tuple and Ellipsis not in get_args(hint)


def schema_of(hint: Any) -> dict[str, Any]:
    if is_pair(hint):
        return schema_of(get_args(hint)[1])
    if get_origin(hint) is tuple:
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    choices = get_args(hint) or (hint,)
    types = [JSON_TYPES.get(choice, "string") for choice in choices]
    formats = [PLAIN[choice] for choice in choices if PLAIN[choice]]
    told: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
    return told | ({"format": formats[0]} if formats else {})
