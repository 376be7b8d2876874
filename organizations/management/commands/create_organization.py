from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.people import named
from core.management.base import JsonCommand
from organizations.management.named import shown
from organizations.services import lifecycle


class Command(JsonCommand):
    help = "Make an organization for somebody who has an account, whatever ORGANIZATIONS_PER_USER."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner", required=True, dest="email", metavar="EMAIL")
        parser.add_argument("--slug", help="its name in addresses; made from the name if left out")

    def perform(self, **options: Any) -> dict[str, Any]:
        owner = named(options)
        made = lifecycle.create_for(
            owner=owner,
            actor_id=None,
            name=options["name"],
            slug=options["slug"],
            now=timezone.now(),
        )
        return {**shown(made), "name": made.name, "owner": owner.email}

    def lines(self, result: dict[str, Any]) -> list[str]:
        return [
            f"{result['name']} is there now, with the owner {result['owner']}.",
            f"slug {result['slug']}, id {result['id']}",
        ]
