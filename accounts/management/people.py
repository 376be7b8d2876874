"""Commands about one person, who is named by an address."""

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from core.management.base import JsonCommand


class PersonCommand(JsonCommand):
    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("email", metavar="EMAIL")


def named(options: dict[str, Any]) -> User:
    """Return the person. Raises CommandError, in one line, for an unknown address."""
    user = User.objects.by_email(options["email"])
    if user is None:
        raise CommandError(f"No account has the address {' '.join(options['email'].split())}.")
    return user


def typed_password() -> str:
    """Return standard input without its last line break; on a terminal, what is typed unseen."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    try:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CommandError("The password on standard input is not UTF-8.") from None
