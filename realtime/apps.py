from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"
    summary = "Channels over WebSockets, with recovery of what was missed."

    def ready(self) -> None:
        from realtime import own_channels, subscribers  # noqa: F401  they register themselves

        own_channels.register()
