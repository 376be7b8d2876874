from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.people import named
from accounts.services import sessions
from core.management.asking import confirm
from core.management.base import JsonCommand, UsageError


class Command(JsonCommand):
    help = "End all sessions of a person, or everybody's. They sign in again. Twice does no harm."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("email", metavar="EMAIL", nargs="?")
        parser.add_argument("--all", action="store_true", help="the sessions of everybody")
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")
        parser.add_argument("--yes", action="store_true", help="end everybody's without asking")

    def perform(self, **options: Any) -> dict[str, Any]:
        if bool(options["email"]) == options["all"]:
            raise UsageError("Name the EMAIL of a person, or --all.")
        user = named(options) if options["email"] else None
        now, dry_run = timezone.now(), options["dry_run"]
        if dry_run:
            count = sessions.count_open(user=user, now=now)
        elif user:
            count = sessions.end_every_session(user=user, reason="revoked by an operator", now=now)
        else:
            if not options["yes"]:
                confirm(self, "End the sessions of everybody?", option="--all")
            count = sessions.end_everybodys_sessions(reason="revoked by an operator", now=now)
        return {"email": user.email if user else None, "sessions": count, "dry_run": dry_run}

    def lines(self, result: dict[str, Any]) -> list[str]:
        verb = "Would end" if result["dry_run"] else "Ended"
        count = result["sessions"]
        whose = result["email"] or "everybody"
        return [f"{verb} {count} session{'' if count == 1 else 's'} of {whose}."]
