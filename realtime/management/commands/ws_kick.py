from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.services import sessions
from core.management.asking import confirm
from core.management.base import UsageError, require_migrations
from realtime.census import Question
from realtime.management.asking import ConnectionsCommand, add_whom, organization_id, user_id


class Command(ConnectionsCommand):
    help = (
        "Close connections with 1012: their clients come back, and miss nothing. To keep somebody "
        "out, end their session as well."
    )

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        whom = add_whom(parser)
        whom.add_argument("--session", metavar="ID", type=UUID)
        whom.add_argument("--connection", metavar="ID", help="the welcome and the log tell it")
        parser.add_argument(
            "--end-session", action="store_true", help="of --session: end it, with 4401"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")
        parser.add_argument("--yes", action="store_true", help="close everybody's without asking")

    def perform(self, **options: Any) -> dict[str, Any]:
        if options["end_session"] and not options["session"]:
            raise UsageError("--end-session goes with --session; see revoke_sessions for people.")
        require_migrations()
        dry_run = options["dry_run"]
        question = _question(options, closes=not (dry_run or options["end_session"]))
        if options["everybody"] and not (dry_run or options["yes"]):
            confirm(self, "Close the connections of everybody?", option="--everybody")
        answer = self.ask(question)
        self.warn_of_silence(answer)
        if options["end_session"] and not dry_run:
            sessions.end_session(
                session_id=options["session"], reason="revoked by an operator", now=timezone.now()
            )
        return {"connections": answer.connections, "silent": answer.silent, "dry_run": dry_run}

    def lines(self, result: dict[str, Any]) -> list[str]:
        verb = "Would close" if result["dry_run"] else "Closed"
        count = result["connections"]
        return [f"{verb} {count} connection{'' if count == 1 else 's'}."]

    def code(self, result: dict[str, Any]) -> int:
        return int(result["silent"] > 0)


def _question(options: dict[str, Any], *, closes: bool) -> Question:
    if options["user"]:
        return Question(user_id=str(user_id(options)), closes=closes)
    if options["organization"]:
        return Question(channel=f"organization:{organization_id(options)}", closes=closes)
    if options["session"]:
        return Question(session_id=str(options["session"]), closes=closes)
    return Question(connection_id=options["connection"], closes=closes)
