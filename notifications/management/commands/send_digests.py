from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.management.base import JsonCommand
from notifications.mailing import digests


class Command(JsonCommand):
    help = "Begin every digest that is due. A worker does this every five minutes."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="tell how many, mail nothing")

    def perform(self, **options: Any) -> dict[str, Any]:
        begun = digests.begin_due(now=timezone.now(), dry_run=options["dry_run"])
        return {"digests": begun, "dry_run": options["dry_run"]}

    def lines(self, result: dict[str, Any]) -> list[str]:
        verb = "are due" if result["dry_run"] else "begun; a worker mails what is unread"
        return [f"{result['digests']} digests {verb}."]
