from django.apps import AppConfig
from django.core import checks


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"
    summary = "What people are told, in the app and by mail, as they like it."

    def ready(self) -> None:
        from core import demo as demos
        from notifications import demo, own_kinds, permissions, prunes, subscribers  # noqa: F401
        from notifications.checks import check_schemas_of_kinds
        from notifications.push import transports, vapid

        vapid.private_key()  # keys that can't be read stop the process here, not at a push
        transports.ways()
        checks.register(check_schemas_of_kinds)
        own_kinds.register()
        permissions.register()
        prunes.register()
        demos.register("notifications", demo.seed)
