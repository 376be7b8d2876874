from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.management.asking import confirm
from organizations.management.named import OrganizationCommand, named, shown
from organizations.models import Organization
from organizations.services import purge


class Command(OrganizationCommand):
    help = "Delete a deleted organization for good, before its 30 days are over. No way back."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="count, but change nothing")
        parser.add_argument("--yes", action="store_true", help="delete without asking")
        parser.add_argument("--now", action="store_true", help="also one that is not deleted")

    def perform(self, **options: Any) -> dict[str, Any]:
        organization = named(options)
        if not (organization.is_deleted or options["now"]):
            raise CommandError(f"{organization.slug} is not deleted. Say --now to purge it anyway.")
        rows = purge.counts(organization_id=organization.pk)
        if not options["dry_run"]:
            if not options["yes"]:
                question = f"Delete {organization.slug} and all that belongs to it for good?"
                confirm(self, question, option="org_purge")
            _purge(organization)
        return {**shown(organization), "rows": rows, "dry_run": options["dry_run"]}

    def lines(self, result: dict[str, Any]) -> list[str]:
        verb = "would go" if result["dry_run"] else "deleted"
        counted = [f"{table}: {count} {verb}" for table, count in result["rows"].items()]
        return [*counted, f"{result['slug']}: {verb}"]


def _purge(organization: Organization) -> None:
    now = timezone.now()
    purge.end_grace(organization_id=organization.pk, now=now)
    purge.purge(organization_id=organization.pk, now=now)
