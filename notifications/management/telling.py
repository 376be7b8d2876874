"""What the commands that tell people something have in common."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from notifications.kinds import Type
from notifications.messages import Message


def add_options(parser: CommandParser) -> None:
    parser.add_argument("title", metavar="TITLE")
    parser.add_argument("--body", default="")
    parser.add_argument("--type", choices=Type.values, default=Type.INFO.value)
    parser.add_argument("--link", help="https://… or a path of ours: /…")
    parser.add_argument("--label", default="Open", help="what stands on the button of --link")
    parser.add_argument(
        "--dry-run", action="store_true", help="tell who would get it, send nothing"
    )


def message(options: dict[str, Any], *, kind: str, organization_id: UUID | None) -> Message:
    link = options["link"]
    return Message(
        options.get("kind") or kind,
        title=options["title"],
        body=options["body"],
        type=options["type"],
        actions=[{"label": options["label"], "url": link}] if link else [],
        organization_id=organization_id,
    )
