from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
    summary = "Tenants, their members, and what each may do."

    def ready(self) -> None:
        from core.demo import register
        from organizations import demo, prunes, subscribers  # noqa: F401  they register themselves

        prunes.register()
        register("organizations", demo.seed)
