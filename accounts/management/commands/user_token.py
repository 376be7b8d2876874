from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = "Begin a session for a person and print its tokens, for trying the API from a shell."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")

    def perform(self, **options: Any) -> dict[str, Any]:
        user = User.objects.by_email(options["email"])
        if user is None or not user.is_active:
            raise CommandError(f"No active account has the address {options['email']}.")
        pair = sessions.start_session(
            user=user, device="manage.py user_token", ip_address="127.0.0.1", now=timezone.now()
        )
        return {
            "access": pair.access,
            "refresh": pair.refresh,
            "expires_in": int(settings.ACCESS_LIFETIME.total_seconds()),
        }

    def lines(self, result: dict[str, Any]) -> list[str]:
        return [str(result["access"])]
