import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core import reachability
from core.management.base import JsonCommand, UsageError

PAUSE_SECONDS = 0.5
WAITS: dict[str, Callable[[], str | None]] = {
    "database": reachability.missing_database,
    "redis": reachability.missing_redis,
    "migrations": reachability.missing_migrations,
}


class Command(JsonCommand):
    help = "Wait until what the product needs is there; without a choice, for all of it."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        for name in WAITS:
            parser.add_argument(f"--{name}", action="store_true", help=f"wait for the {name}")
        parser.add_argument(
            "--timeout",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="give up after this (default: %(default)s)",
        )

    def perform(self, **options: Any) -> dict[str, Any]:
        if options["timeout"] < 0:
            raise UsageError("--timeout can't be negative.")
        chosen = [name for name in WAITS if options[name]] or list(WAITS)
        started = time.monotonic()
        missing = self._missing(chosen)
        while missing:
            if time.monotonic() - started >= options["timeout"]:
                raise CommandError(f"Given up after {options['timeout']:g} s: {missing}.")
            time.sleep(PAUSE_SECONDS)
            missing = self._missing(chosen)
        return {"ready": chosen, "waited_seconds": round(time.monotonic() - started, 1)}

    def lines(self, result: Any) -> list[str]:
        return [f"Ready: {', '.join(result['ready'])}."]

    def _missing(self, chosen: list[str]) -> str | None:
        """Return what is missing, all of it in one line."""
        found = [WAITS[name]() for name in chosen]
        return "; ".join(dict.fromkeys(filter(None, found))) or None
