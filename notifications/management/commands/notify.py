from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.people import PersonCommand, named
from core.postgres import row_security
from notifications import messages
from notifications.management import telling
from notifications.own_kinds import MESSAGE
from notifications.services import sending
from organizations.management.named import present


class Command(PersonCommand):
    help = "Tell one person something, in the app and wherever else they want it."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        telling.add_options(parser)
        parser.add_argument("--kind", default=MESSAGE)
        parser.add_argument("--organization", help="id or slug of what it is about")

    def perform(self, **options: Any) -> dict[str, Any]:
        user = named(options)
        place = present(options) if options["organization"] else None
        message = telling.message(
            options, kind=MESSAGE, organization_id=place.pk if place else None
        )
        messages.check(message)
        with row_security.everywhere():
            may = user.pk in sending.audience(message, [user.pk])
        told = {"email": user.email, "told": may, "id": None, "dry_run": options["dry_run"]}
        if options["dry_run"]:
            return told
        ids = sending.notify(message, user_ids=[user.pk], now=timezone.now())
        return {**told, "told": bool(ids), "id": str(ids[0]) if ids else None}

    def lines(self, result: dict[str, Any]) -> list[str]:
        if not result["told"]:
            return [f"{result['email']} does not want it, or may not know of it. Nothing was sent."]
        verb = "would be told" if result["dry_run"] else "is told"
        return [f"{result['email']} {verb}."]
