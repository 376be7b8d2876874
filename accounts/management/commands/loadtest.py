import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.http.request import validate_host
from django.utils import timezone

from accounts.loadtest.figures import Figures
from accounts.loadtest.people import Account, LoadTest
from accounts.management.people import named, typed_password
from accounts.services import sessions
from core.management.base import JsonCommand, whole_number

MOST_SECONDS, MOST_CLIENTS, MOST_SOCKETS, MOST_A_SECOND = 300, 200, 1_000, 2_000
SOCKETS_OF_ONE = 20


class Command(JsonCommand):
    help = (
        "Load your own deployment for a while, as people of yours would, and tell how fast it is. "
        "They read lists, make links to invite by and take them back, and listen on sockets."
    )

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "emails", metavar="EMAIL", nargs="+", help="accounts of yours to do it as"
        )
        parser.add_argument(
            "--url", default=settings.PUBLIC_URL, help="where; %(default)s if not said"
        )
        for name, default, most, told in (
            ("--seconds", 30, MOST_SECONDS, "how long"),
            ("--clients", 20, MOST_CLIENTS, "how many ask at once"),
            ("--sockets", 20, MOST_SOCKETS, "how many listen; an account has 20 at most"),
            ("--rate", 200, MOST_A_SECOND, "requests a second at most, of all together"),
        ):
            parser.add_argument(
                name,
                type=whole_number(1, most),
                default=default,
                help=f"{told}: {default}, at most {most}",
            )
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password of them all from standard input, to sign in anew meanwhile",
        )

    def perform(self, **options: Any) -> dict[str, object]:
        url = _allowed(options["url"])
        password = typed_password() if options["password_stdin"] else ""
        accounts = [_account(email, password) for email in options["emails"]]
        if options["sockets"] > SOCKETS_OF_ONE * len(accounts):
            told = f"An account has {SOCKETS_OF_ONE} sockets at most"
            raise CommandError(f"{told}: name more accounts, or take fewer.")
        test = LoadTest(
            url=url,
            accounts=accounts,
            seconds=options["seconds"],
            clients=options["clients"],
            sockets=options["sockets"],
            most_a_second=options["rate"],
        )
        began = time.monotonic()
        figures = asyncio.run(test.run(self._look))
        return figures.result(time.monotonic() - began)

    def _look(self, elapsed: float, figures: Figures) -> None:
        self.stderr.write(figures.line(elapsed))

    def lines(self, result: Any) -> list[str]:
        lines = [f"{'':<10} {'requests':>9} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8}  failed"]
        for name, one in result["actions"].items():
            failed = ", ".join(f"{count} of {why}" for why, count in one["failures"].items())
            lines.append(
                f"{name:<10} {one['count']:>9} {one['per_second']:>9} {one['p50_ms']:>8}"
                f" {one['p99_ms']:>8}  {failed or '-'}"
            )
        return lines


def _allowed(url: str) -> str:
    """Return the address. Raises CommandError unless it is of this deployment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not validate_host(host, settings.ALLOWED_HOSTS):
        raise CommandError(
            f"{url} is not this deployment. Hosts that may be tested are those of ALLOWED_HOSTS: "
            f"{', '.join(settings.ALLOWED_HOSTS)}."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _account(email: str, password: str) -> Account:
    pair = sessions.start_session_for(
        user_id=named({"email": email}).pk, device="manage.py loadtest", now=timezone.now()
    )
    return Account(email, pair.access, password)
