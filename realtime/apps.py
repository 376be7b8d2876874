from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"
    summary = "Channels over WebSockets, with recovery of what was missed."

    def ready(self) -> None:
        from core import lifecycle
        from realtime import (  # noqa: F401  subscribers too
            notifying,
            own_channels,
            sayings,
            subscribers,
            switchboard,
            trimming,
        )

        own_channels.register()
        notifying.register()
        sayings.register()
        trimming.register()
        lifecycle.before_the_end(switchboard.drain)
