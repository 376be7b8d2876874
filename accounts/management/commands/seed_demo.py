from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import demo


class Command(BaseCommand):
    help = "Make the demo people of development, once. Prints email, password and role of each."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo people have known passwords: this only runs with DEBUG=1.")
        demo.seed()
        for login in demo.LOGINS:
            self.stdout.write(f"{login.email}\t{login.password}\t{login.role}")
