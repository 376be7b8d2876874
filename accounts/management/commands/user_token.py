from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.people import PersonCommand, named
from accounts.services import sessions


class Command(PersonCommand):
    help = "Begin a session for a person and print its tokens, for trying the API from a shell."

    def perform(self, **options: Any) -> dict[str, Any]:
        pair = sessions.start_session_for(
            user_id=named(options).pk, device="manage.py user_token", now=timezone.now()
        )
        return {
            "access": pair.access,
            "refresh": pair.refresh,
            "expires_in": int(settings.ACCESS_LIFETIME.total_seconds()),
        }

    def lines(self, result: dict[str, Any]) -> list[str]:
        return [str(result["access"])]
