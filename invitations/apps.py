from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    name = "invitations"
    verbose_name = "Invitations"
    summary = "Offers by mail to join an organization, and what becomes of them."

    def ready(self) -> None:
        from invitations import limits, permissions, registration, subscribers  # noqa: F401

        limits.register()
        registration.register()
