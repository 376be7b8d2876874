from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "flags"
    verbose_name = "Feature flags"
    summary = "What is switched on for whom: rules, their history, and keys for SDKs."

    def ready(self) -> None:
        from core import demo as demos
        from core import health
        from flags import demo, freshness, prunes, subscribers  # noqa: F401
        from flags.experiments import demo as experiments
        from flags.experiments import leaving
        from flags.services import overrides  # noqa: F401  registers its permission

        prunes.register()
        leaving.register()
        health.register("flags", freshness.flags_are_fresh)
        demos.register("flags", demo.seed)
        demos.register("experiments", experiments.seed)
