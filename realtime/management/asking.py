"""What the commands about connections have in common: naming some, and asking every process."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from accounts.management import people
from core.management.base import JsonCommand
from core.redis import StoreUnavailableError
from organizations.management import named as organizations
from realtime import census
from realtime.census import Answer, Question, Report

NO_REDIS = "Redis can't be reached, and without it no process can be asked. Nothing was done."


class ConnectionsCommand(JsonCommand):
    """A command that asks all processes. Raises CommandError, in one line, without Redis."""

    def ask(self, question: Question) -> Answer:
        try:
            return census.ask(question)
        except StoreUnavailableError:
            raise CommandError(NO_REDIS) from None

    def reports(self) -> list[Report]:
        try:
            return census.reports()
        except StoreUnavailableError:
            raise CommandError(NO_REDIS) from None

    def warn_of_silence(self, answer: Answer) -> None:
        if answer.silent:
            processes = "process" if answer.silent == 1 else "processes"
            self.stderr.write(f"{answer.silent} {processes} did not answer in time.")


def add_whom(parser: CommandParser) -> Any:
    """Let one of these be named, and not two; return the group, for others to stand in it."""
    whom = parser.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", metavar="EMAIL")
    whom.add_argument("--organization", metavar="ORGANIZATION", help="id or slug")
    whom.add_argument("--everybody", action="store_true")
    return whom


def user_id(options: dict[str, Any]) -> UUID:
    return people.named({"email": options["user"]}).pk


def organization_id(options: dict[str, Any]) -> UUID:
    return organizations.present({"organization": options["organization"]}).pk
