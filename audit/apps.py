from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"
    summary = "Who did what, when and from where; written once, never changed."

    def ready(self) -> None:
        from audit import permissions, prunes, subscribers

        permissions.register()
        prunes.register()
        subscribers.register()
