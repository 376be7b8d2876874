from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    name = "invitations"
    verbose_name = "Invitations"
    summary = "Offers by mail to join an organization, and what becomes of them."

    def ready(self) -> None:
        from core import demo as demos
        from invitations import (  # permissions and subscribers register themselves
            demo,
            limits,
            permissions,  # noqa: F401
            registration,
            subscribers,  # noqa: F401
        )

        demos.register("invitations", demo.seed)
        limits.register()
        registration.register()
