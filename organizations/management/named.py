"""Commands about one organization, which is named by its id or its slug."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.management.base import JsonCommand
from organizations.models import Organization


class OrganizationCommand(JsonCommand):
    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("organization", metavar="ORGANIZATION", help="id or slug")


def named(options: dict[str, Any]) -> Organization:
    """Return the organization, deleted ones too. Raises CommandError, in one line."""
    given = options["organization"]
    organization = Organization.objects.by_id_or_slug(given)
    if organization is None:
        raise CommandError(f"No organization has the id or slug {' '.join(given.split())}.")
    return organization


def present(options: dict[str, Any]) -> Organization:
    """Return the organization. Raises CommandError also for a deleted one."""
    organization = named(options)
    if organization.is_deleted:
        raise CommandError(f"{organization.slug} is deleted. See org_restore.")
    return organization


def shown(organization: Organization) -> dict[str, Any]:
    return {"id": str(organization.pk), "slug": organization.slug}
