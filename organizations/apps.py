from django.apps import AppConfig
from django.core import checks


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
    summary = "Tenants, their members, and what each may do."

    def ready(self) -> None:
        from organizations import subscribers  # noqa: F401  they register themselves
        from organizations.checks import check_permissions_of_roles

        checks.register(check_permissions_of_roles)
