from typing import Any

from django.utils import timezone

from accounts import mails
from accounts.management.people import PersonCommand, named
from accounts.services import password


class Command(PersonCommand):
    help = (
        "Print a link with which a person chooses a new password, for you to hand over. It is not"
        " mailed, works once, as long as a mailed one, and ends the links before it."
    )

    def perform(self, **options: Any) -> dict[str, Any]:
        user = named(options)
        token = password.issue_link(user=user, now=timezone.now())
        link = mails.reset_link(token)
        return {"email": user.email, "link": link, "expires_at": token.expires_at}

    def lines(self, result: dict[str, Any]) -> list[str]:
        until = f"{result['expires_at']:%Y-%m-%d %H:%M} UTC"
        return [result["link"], f"For {result['email']} alone; works once, until {until}."]
