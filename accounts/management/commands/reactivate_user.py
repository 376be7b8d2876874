from typing import Any

from accounts.management.people import PersonCommand, named
from accounts.services import activation


class Command(PersonCommand):
    help = "Open a deactivated account again. What ended stays ended. Twice does no harm."

    def perform(self, **options: Any) -> dict[str, Any]:
        user = named(options)
        changed = activation.reactivate(user_ids=[user.pk])
        return {"id": str(user.pk), "email": user.email, "changed": bool(changed)}

    def lines(self, result: dict[str, Any]) -> list[str]:
        if result["changed"]:
            return [f"{result['email']} may sign in again."]
        return [f"{result['email']} is active. Nothing was changed."]
