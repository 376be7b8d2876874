from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
    summary = "Tenants, their members, and what each may do."

    def ready(self) -> None:
        from core import diagnostics
        from core.postgres import after_migrate
        from organizations import subscribers, wall  # noqa: F401  subscribers register themselves

        after_migrate.register(wall.put_up)
        diagnostics.register("Tenants' wall", wall.finding)
