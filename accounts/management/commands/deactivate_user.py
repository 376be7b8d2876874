from typing import Any

from django.utils import timezone

from accounts.management.people import PersonCommand, named
from accounts.services import activation


class Command(PersonCommand):
    help = "Shut an account: its sessions and links end at once. Twice does no harm."

    def perform(self, **options: Any) -> dict[str, Any]:
        user = named(options)
        changed = activation.deactivate(user_ids=[user.pk], now=timezone.now())
        return {"id": str(user.pk), "email": user.email, "changed": bool(changed)}

    def lines(self, result: dict[str, Any]) -> list[str]:
        if result["changed"]:
            return [f"{result['email']} is deactivated. All sessions have ended."]
        return [f"{result['email']} was deactivated before. Nothing was changed."]
