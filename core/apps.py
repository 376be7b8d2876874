from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"
    summary = "What every room shares: the request's road, jobs, mail, cache and logs."
