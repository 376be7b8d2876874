from django.apps import AppConfig
from django.core import checks


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
    summary = "Tenants, their members, and what each may do."

    def ready(self) -> None:
        from core import demo as demos
        from core import diagnostics
        from core.postgres import after_migrate
        from organizations import demo, prunes, subscribers, wall  # noqa: F401  subscribers too
        from organizations.checks import check_permissions_of_roles

        prunes.register()
        checks.register(check_permissions_of_roles)
        demos.register("organizations", demo.seed)
        after_migrate.register(wall.put_up)
        diagnostics.register("Tenants' wall", wall.finding)
