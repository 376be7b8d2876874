from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.people import named
from organizations.management.named import OrganizationCommand, present, shown
from organizations.services import support


class Command(OrganizationCommand):
    help = "Make somebody an owner, also who is no member: for when an owner is out of reach."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("email", metavar="EMAIL")

    def perform(self, **options: Any) -> dict[str, Any]:
        organization, user = present(options), named(options)
        changed = support.grant_owner(
            organization_id=organization.pk, user_id=user.pk, now=timezone.now()
        )
        return {**shown(organization), "email": user.email, "changed": changed}

    def lines(self, result: dict[str, Any]) -> list[str]:
        who, where = result["email"], result["slug"]
        if result["changed"]:
            return [f"{who} is an owner of {where} now. The others are as they were."]
        return [f"{who} is an owner of {where}. Nothing was changed."]
