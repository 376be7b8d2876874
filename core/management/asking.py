"""Asking before something is destroyed. Whoever can't be asked has to say --yes."""

import sys

from django.core.management.base import BaseCommand, CommandError

from core.management.base import UsageError


def confirm(command: BaseCommand, question: str, *, option: str) -> None:
    """Return when somebody on a terminal says yes. Raises UsageError where nobody can be asked,
    naming the option that needs an answer, and CommandError for a no.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{option} has to be confirmed: say --yes, or look first with --dry-run.")
    command.stderr.write(f"{question} [y/N] ", ending="")
    command.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")
