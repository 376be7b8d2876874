from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.models import User
from core.management.asking import confirm
from core.management.base import JsonCommand
from core.repositories import estimated_count
from notifications import messages
from notifications.management import telling
from notifications.own_kinds import ANNOUNCEMENT, MESSAGE
from notifications.services import broadcasting
from organizations.management.named import present
from organizations.models import Membership


class Command(JsonCommand):
    help = "Tell everybody something, or everybody in one organization."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        telling.add_options(parser)
        to = parser.add_mutually_exclusive_group(required=True)
        to.add_argument("--organization", help="id or slug")
        to.add_argument("--everybody", action="store_true")
        parser.add_argument("--later-joiners", action="store_true", help="also who joins later")
        parser.add_argument("--yes", action="store_true", help="do not ask before --everybody")

    def perform(self, **options: Any) -> dict[str, Any]:
        place = present(options) if options["organization"] else None
        kind = MESSAGE if place else ANNOUNCEMENT
        message = telling.message(options, kind=kind, organization_id=place.pk if place else None)
        messages.check(message)
        if place:
            people = Membership.objects.for_organization(place.pk).active().count()
        else:
            people = estimated_count(User.objects.active())
        told = {"people": people, "id": None, "dry_run": options["dry_run"]}
        if options["dry_run"]:
            return told
        if place is None and not options["yes"]:
            confirm(self, f"Tell about {people} people?", option="--everybody")
        sent = broadcasting.broadcast(
            message, include_later_joiners=options["later_joiners"], now=timezone.now()
        )
        return {**told, "id": str(sent.pk)}

    def lines(self, result: dict[str, Any]) -> list[str]:
        if result["dry_run"]:
            return [f"About {result['people']} people would be told. Nothing was sent."]
        return [f"About {result['people']} people are told. Recall it by its id:", result["id"]]
