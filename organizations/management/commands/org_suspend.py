from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.management.base import UsageError
from organizations.management.named import OrganizationCommand, present, shown
from organizations.services import lifecycle


class Command(OrganizationCommand):
    help = "Let an organization be read and nothing in it be changed, or lift that."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--reason", metavar="TEXT", help="for operators, up to 200 characters")
        parser.add_argument("--lift", action="store_true", help="lift the suspension")

    def perform(self, **options: Any) -> dict[str, Any]:
        if (options["reason"] is not None) == options["lift"]:
            raise UsageError("Say why with --reason, or lift the suspension with --lift.")
        organization = present(options)
        if options["lift"]:
            lifecycle.reinstate(organization_id=organization.pk)
        else:
            lifecycle.suspend(
                organization_id=organization.pk, reason=options["reason"], now=timezone.now()
            )
        changed = organization.is_suspended == options["lift"]
        return {**shown(organization), "suspended": not options["lift"], "changed": changed}

    def lines(self, result: dict[str, Any]) -> list[str]:
        state = "suspended" if result["suspended"] else "not suspended"
        return [f"{result['slug']} is {state}{' now' if result['changed'] else ', as before'}."]
