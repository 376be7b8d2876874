from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.people import typed_password
from accounts.services import registration
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = "Open an account. Without --verified its owner is mailed a link, as after registering."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--email", required=True)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument(
            "--password", help="12 characters or more; others can read it in the list of processes"
        )
        source.add_argument(
            "--password-stdin", action="store_true", help="read it from standard input instead"
        )
        parser.add_argument("--full-name", default="")
        parser.add_argument("--verified", action="store_true", help="take the address as proved")
        parser.add_argument("--staff", action="store_true", help="may do everything in the admin")

    def perform(self, **options: Any) -> dict[str, Any]:
        user = registration.create_account(
            email=options["email"],
            password=typed_password() if options["password_stdin"] else options["password"],
            full_name=options["full_name"],
            verified=options["verified"],
            staff=options["staff"],
            now=timezone.now(),
        )
        return {"id": str(user.pk), "email": user.email, "email_verified": user.email_verified}

    def lines(self, result: dict[str, Any]) -> list[str]:
        state = "verified" if result["email_verified"] else "a link was mailed"
        return [f"{result['email']} has an account now ({state}).", f"id {result['id']}"]
