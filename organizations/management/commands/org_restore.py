from typing import Any

from django.utils import timezone

from organizations.management.named import OrganizationCommand, named, shown
from organizations.services import lifecycle


class Command(OrganizationCommand):
    help = "Bring a deleted organization back within its 30 days, members and roles as they were."

    def perform(self, **options: Any) -> dict[str, Any]:
        organization = named(options)
        lifecycle.restore(organization_id=organization.pk, now=timezone.now())
        return shown(organization)

    def lines(self, result: dict[str, Any]) -> list[str]:
        return [f"{result['slug']} is back, with its members and roles as they were."]
