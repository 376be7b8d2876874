"""An app such as a product of somebody's has: rooms in which clients speak."""

from typing import Any

from django.apps import AppConfig

from realtime import channels
from realtime.channels import EventType, Kind, Leave
from realtime.people import Person

SAID = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 10}},
    "required": ["text"],
}


async def may_join(person: Person, key: str) -> Leave | None:
    return Leave() if key != "locked" else None


async def may_publish(person: Person, key: str, event: str, data: Any) -> bool:
    return key != "quiet"


class RoomsConfig(AppConfig):
    name = "tests.realtime.rooms"

    def ready(self) -> None:
        channels.register(Kind("room", may_join, may_publish, key="The room's id."))
        channels.document(
            "room",
            EventType("said", "Somebody said something.", SAID, from_clients=True),
            EventType("anything", "Anything at all.", {}, from_clients=True),
            EventType("room.closed", "The room is over.", {"type": "null"}),
        )
