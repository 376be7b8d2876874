from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from core import demo
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = "Make the demo data of development, once. Prints email, password and role of logins."

    def perform(self, **options: Any) -> list[dict[str, str]]:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo people have known passwords: this only runs with DEBUG=1.")
        return [asdict(login) for login in demo.seed()]

    def lines(self, result: list[dict[str, str]]) -> list[str]:
        return ["\t".join(login.values()) for login in result]
