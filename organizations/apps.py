from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"
    summary = "Tenants, their members, and what each may do."

    def ready(self) -> None:
        from organizations import prunes, subscribers  # noqa: F401  subscribers register themselves

        prunes.register()
