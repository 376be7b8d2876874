from typing import Any

from django.core.management.base import CommandParser

from core.management.base import JsonCommand
from flags.services import keys
from flags.services.changes import Author
from organizations.management.named import present


class Command(JsonCommand):
    help = "Make a key for SDKs and print it, this once. A new name of an environment makes one."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--kind", choices=["flags"], required=True)
        parser.add_argument("--environment", required=True, help="whose flags it reads")
        parser.add_argument("--name", default="from the command line", help="what it is for")
        parser.add_argument("--organization", help="slug or id: it sees that one's answers alone")

    def perform(self, **options: Any) -> dict[str, Any]:
        organization = present(options) if options["organization"] else None
        made, secret, is_new = keys.create(
            name=options["name"],
            environment=options["environment"],
            organization_id=organization.pk if organization else None,
            author=Author.operator(),
        )
        return {"key": secret, "id": str(made.pk), "environment_created": is_new}

    def lines(self, result: dict[str, Any]) -> list[str]:
        made = ["The environment is new: every flag is off in it."]
        return [result["key"], *(made if result["environment_created"] else [])]
