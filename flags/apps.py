from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "flags"
    verbose_name = "Feature flags"
    summary = "What is switched on for whom: rules, their history, and keys for SDKs."

    def ready(self) -> None:
        from core import demo as demos
        from core import problems
        from flags import demo, subscribers  # noqa: F401
        from flags.errors import PROBLEMS

        for problem in PROBLEMS:
            problems.register(problem)
        demos.register("flags", demo.seed)
