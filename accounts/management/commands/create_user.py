from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.services import registration
from core.errors import InvalidError
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = "Open an account. Without --verified its owner is mailed a link, as after registering."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True, help="12 characters or more")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--verified", action="store_true", help="take the address as proved")
        parser.add_argument("--staff", action="store_true", help="may do everything in the admin")

    def perform(self, **options: Any) -> dict[str, Any]:
        try:
            user = registration.create_account(
                email=options["email"],
                password=options["password"],
                full_name=options["full_name"],
                verified=options["verified"],
                staff=options["staff"],
                now=timezone.now(),
            )
        except InvalidError as error:
            raise CommandError(" ".join(problem.detail for problem in error.problems)) from None
        return {"id": str(user.pk), "email": user.email, "email_verified": user.email_verified}

    def lines(self, result: dict[str, Any]) -> list[str]:
        state = "verified" if result["email_verified"] else "a link was mailed"
        return [f"{result['email']} has an account now ({state}).", f"id {result['id']}"]
