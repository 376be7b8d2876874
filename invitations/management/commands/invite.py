from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.management.people import named as person
from invitations import links
from invitations.models import MESSAGE_LENGTH, Invitation
from invitations.services import sending
from organizations.management.named import OrganizationCommand, present, shown


class Command(OrganizationCommand):
    help = "Invite an address, and print the link for where no mail arrives."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--role", required=True, help="one of the four, or a custom one's key")
        parser.add_argument("--message", default="", help=f"up to {MESSAGE_LENGTH} characters")
        parser.add_argument(
            "--as",
            dest="inviter",
            metavar="INVITER",
            help="address of a member on whose rights it stands; else it is the operators'",
        )

    def perform(self, **options: Any) -> dict[str, Any]:
        organization = present(options)
        if len(options["message"]) > MESSAGE_LENGTH:
            raise CommandError(f"The message has more than {MESSAGE_LENGTH} characters.")
        inviter = person({"email": options["inviter"]}) if options["inviter"] else None
        made = sending.create(
            organization_id=organization.pk,
            actor_id=inviter.pk if inviter else None,
            email=options["email"],
            role=options["role"],
            message=options["message"],
            now=timezone.now(),
        )
        return {"organization": shown(organization), **_told(made)}

    def lines(self, result: dict[str, Any]) -> list[str]:
        who, where = result["email"], result["organization"]["slug"]
        return [
            f"{who} is invited to {where} as {result['role']}, until {result['expires_at']}.",
            "A mail is on its way. Its link, which proves the address to whoever has it:",
            result["link"],
        ]


def _told(invitation: Invitation) -> dict[str, Any]:
    token = links.current(invitation)
    return {
        "id": str(invitation.pk),
        "email": invitation.email,
        "role": invitation.role,
        "expires_at": invitation.expires_at.isoformat(timespec="seconds"),
        "link": links.address(token) if token else None,
    }
