"""System checks: what a release took away, and an organization still names."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError

from organizations import permissions
from organizations.models import CustomRole


def check_permissions_of_roles(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Custom roles name permissions that something registers. Registered by OrganizationsConfig."""
    try:
        named = CustomRole.objects.names_of_permissions()
    except DatabaseError:
        return []  # no database to look at yet, or not migrated: others tell that
    return [
        Warning(
            f"Custom roles name the permission {name}, which nothing registers: it allows nothing.",
            hint="Register it again, or take it out of the roles.",
            id="organizations.W001",
        )
        for name in permissions.unknown(named)
    ]
