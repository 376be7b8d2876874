from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts import demo
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = "Make the demo people of development, once. Prints email, password and role of each."

    def perform(self, **options: Any) -> list[dict[str, str]]:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo people have known passwords: this only runs with DEBUG=1.")
        demo.seed()
        return [
            {"email": login.email, "password": login.password, "role": login.role}
            for login in demo.LOGINS
        ]

    def lines(self, result: list[dict[str, str]]) -> list[str]:
        return ["\t".join(login.values()) for login in result]
