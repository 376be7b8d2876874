from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"
    summary = "Channels over WebSockets, with recovery of what was missed."

    def ready(self) -> None:
        from core import lifecycle
        from realtime import notifying, own_channels, switchboard
        from realtime import subscribers as subscribers

        own_channels.register()
        notifying.register()
        lifecycle.before_the_end(switchboard.drain)
