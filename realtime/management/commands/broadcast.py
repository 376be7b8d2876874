from argparse import ArgumentTypeError
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from core.management.base import JsonCommand, require_migrations
from realtime.channels import EVENT
from realtime.management.asking import add_whom, organization_id, user_id
from realtime.services import sending


class Command(JsonCommand):
    help = "Say something on a channel. Who is away hears it when they come back."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        whom = add_whom(parser)
        whom.add_argument("--channel", metavar="CHANNEL", help="as your apps call it")
        parser.add_argument("--event", required=True, metavar="NAME", type=_event)
        parser.add_argument("--data", default="null", metavar="JSON", type=_json)

    def perform(self, **options: Any) -> dict[str, Any]:
        require_migrations()
        channel = _channel(options)
        try:
            message_id = sending.send(channel, options["event"], options["data"])
        except ValueError as error:
            raise CommandError(f"{error}.") from None
        return {"id": str(message_id), "channel": channel, "event": options["event"]}

    def lines(self, result: dict[str, Any]) -> list[str]:
        return [f"Said {result['event']} on {result['channel']}: message {result['id']}."]


def _channel(options: dict[str, Any]) -> str:
    if options["user"]:
        return f"user:{user_id(options)}"
    if options["organization"]:
        return f"organization:{organization_id(options)}"
    return "system" if options["everybody"] else str(options["channel"])


def _event(value: str) -> str:
    if not EVENT.fullmatch(value):
        raise ArgumentTypeError(f"must be a name like member.joined, not {value!r}")
    return value


def _json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ArgumentTypeError(f"is not JSON: {error}") from None
