"""What our commands have in common: --json, exit codes, one clear line for what went wrong."""

import sys
from abc import abstractmethod
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, Literal, NoReturn

import orjson
from django.core import checks
from django.core.checks.registry import registry
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from core import reachability
from core.errors import DomainError, InvalidError
from core.logging import use_stderr


class UsageError(CommandError):
    """The command was called wrongly: exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class OneLineParser(CommandParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; `--help` has the rest."""
        if not self.called_from_command_line:
            raise UsageError(f"Error: {message}")
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


class OneLineCommand(BaseCommand):
    """A command that tells in one line what is wrong, whether with the call or with the world."""

    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = []
    _called_from_command_line: bool  # Django's; a call from code gets exceptions, not exit codes

    def add_options(self, parser: CommandParser) -> None:
        """Add what the command takes."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.__class__ = (
            OneLineParser  # before there are sub-parsers: they take after their parent
        )
        self.add_options(parser)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if not self._called_from_command_line or options.get("traceback"):
                raise
            self.stderr.write(str(error))
            sys.exit(error.returncode)


class ServingCommand(OneLineCommand):
    """A command that runs until it is told to end, and only with settings that make sense."""

    requires_system_checks = "__all__"
    unconcerned: frozenset[str] = frozenset()
    """Tags of checks about what this command has nothing to do with."""

    def check(self, *args: Any, **options: Any) -> None:
        """Refuse to start on errors; warnings are for `manage.py check`."""
        concerned = [one for one in registry.get_checks() if self.unconcerned.isdisjoint(one.tags)]
        found = [fault for one in concerned for fault in one(app_configs=None, databases=None)]
        errors = [fault for fault in found if fault.is_serious(checks.ERROR)]
        told = [str(fault.msg) for fault in errors if not fault.is_silenced()]
        if told:
            raise CommandError(" ".join(" ".join(told).split()))


def whole_number(minimum: int, maximum: int = 2**31) -> Callable[[str], int]:
    """Return a type for add_argument() that takes whole numbers in these bounds."""

    def read(value: str) -> int:
        number = int(value) if value.isascii() and value.isdigit() else -1
        if not minimum <= number <= maximum:
            bounds = f"between {minimum} and {maximum}" if maximum < 2**31 else f"{minimum} or more"
            raise ArgumentTypeError(f"must be a whole number, {bounds}, not {value!r}")
        return number

    return read


def require_migrations() -> None:
    """Raises CommandError where the database has not every migration."""
    if reachability.count_unapplied_migrations():
        line = "The database is not migrated. Run: python manage.py migrate"
        raise CommandError(line) from None


class JsonCommand(OneLineCommand):
    """A command whose result is plain data, shown as lines for a person or as JSON for a script.

    Exit codes: 0 done, 1 failed, 2 called wrongly. What fails in a way that we know is told in one
    line on stderr; a traceback is a bug of ours.
    """

    @abstractmethod
    def perform(self, **options: Any) -> Any:
        """Do the work and return plain data. Raises DomainError or CommandError."""

    def lines(self, result: Any) -> list[str]:
        """Return the result as a person reads it."""
        return [str(result)]

    def code(self, result: Any) -> int:
        """Return the exit code of a result that was reached without an error."""
        return 0

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def execute(self, *args: Any, **options: Any) -> str | None:
        if self._called_from_command_line:
            use_stderr()  # stdout is the result's
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        result = self._result(options)
        if options["json"]:
            self.stdout.write(orjson.dumps(result, option=orjson.OPT_UTC_Z).decode())
        else:
            self.stdout.write("\n".join(self.lines(result)))
        code = self.code(result)
        if code:
            sys.exit(code)

    def _result(self, options: dict[str, Any]) -> Any:
        try:
            return self.perform(**options)
        except InvalidError as error:
            raise CommandError(" ".join(told.detail for told in error.problems)) from None
        except DomainError as error:
            raise CommandError(error.message) from None
        except ProgrammingError:
            require_migrations()  # what a missing table, column or function comes from
            raise
        except (OperationalError, InterfaceError) as error:
            line = " ".join(str(error).split())
            raise CommandError(f"The database can't be reached: {line}") from None
