from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core import checks


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"
    summary = "What every room shares: the request's road, jobs, mail, cache and logs."

    def ready(self) -> None:
        from core import prunes
        from core.checks import check_public_url, check_rate_limits

        checks.register(check_rate_limits)
        checks.register(check_public_url, deploy=True)
        prunes.register()


class AdminConfig(DjangoAdminConfig):
    default_site = "core.admin_site.AdminSite"
