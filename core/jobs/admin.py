from django.contrib import admin
from procrastinate.contrib.django.models import ProcrastinateJob


def hide_jobs() -> None:
    """Take procrastinate's page away: it shows arguments in full, where `jobs list` redacts."""
    admin.site.unregister(ProcrastinateJob)
