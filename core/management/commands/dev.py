import http.client
import os
import socket
import sys
import time
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connections

from core.embedded.console import Console
from core.embedded.errors import EmbeddedError
from core.embedded.interrupts import Interrupts
from core.embedded.locks import hold
from core.embedded.services import Services
from core.embedded.state import addresses
from core.embedded.supervisor import Supervisor
from core.management.base import OneLineCommand

PAGES = {"Site": "/", "API docs": "/api/docs", "Admin": "/admin/", "Mail": "/dev/mail"}


class Command(OneLineCommand):
    help = "Run everything for development: stores, demo data, one server, one worker."

    def add_options(self, parser: CommandParser) -> None:
        default = os.environ.get("PORT") or "8000"
        parser.add_argument(
            "--port", type=int, default=default, help="port to serve on (default: %(default)s)"
        )

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo people have known passwords: this only runs with DEBUG=1.")
        note = f"Tenantry already runs from this folder (process {os.getpid()}, {site(port)}/)."
        interrupts = Interrupts()
        try:
            with hold(settings.HOME / "dev.lock", wait=False, note=note):
                Run(port, interrupts).start_and_watch()
        except EmbeddedError as error:
            raise CommandError(str(error)) from None
        except OperationalError as error:
            line = " ".join(str(error).split())
            raise CommandError(f"The database can't be reached: {line}") from None


class Run:
    """One run of everything, from the first step to the last process's end."""

    def __init__(self, port: int, interrupts: Interrupts) -> None:
        self.port = port
        self.interrupts = interrupts
        self.began = time.monotonic()
        self.console = Console(sys.stdout)
        self.supervisor = Supervisor(settings.HOME)
        self.stores = stores_of_our_own()

    def start_and_watch(self) -> None:
        """Return when somebody asked us to stop. Raises EmbeddedError for whatever went wrong."""
        try:
            self.supervisor.end_leftovers()
            require_free(self.port)
            self._start_stores()
            logins = self._prepare_data()
            self._start_processes()
            self._greet(logins)
            self.supervisor.show_output()
            raise self.supervisor.wait_for_a_death(self.stores.death)
        except KeyboardInterrupt:
            self._stop()
            self.console.say("\nStopped.")
        except BaseException:
            self._stop()
            raise

    def _start_stores(self) -> None:
        known = addresses(settings.HOME)
        if self.stores.settle() != known:
            restart()
        with self.interrupts.deferred(), self.console.steps("Stores") as done:
            self.stores.start(lambda server: done(f"{server.name} ready on port {server.port}"))
        if addresses(settings.HOME) != known:
            restart()

    def _prepare_data(self) -> list[str]:
        with self.console.step("Database migrated"):
            call_command("migrate", verbosity=0, interactive=False)
        with self.console.step("Demo data"):
            logins = StringIO()
            call_command("seed_demo", stdout=logins)
        connections.close_all()
        return logins.getvalue().splitlines()

    def _start_processes(self) -> None:
        manage = [sys.executable, sys.argv[0]]
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        environment = children_environment(self.port)
        with self.console.step("Server and worker ready"):
            with self.interrupts.deferred():
                self.supervisor.spawn("server", [*manage, "serve", *address], environment)
                self.supervisor.spawn("worker", [*manage, "worker"], environment)
            self.supervisor.wait_until(lambda: is_ready(self.port))

    def _greet(self, logins: list[str]) -> None:
        say, bold = self.console.say, self.console.bold
        say(f"\n  {bold('Tenantry is ready')} after {time.monotonic() - self.began:.1f} s\n")
        for name, path in PAGES.items():
            say(f"  {name:<10}{site(self.port)}{path}")
        say()
        for number, login in enumerate(logins):
            email, password, role = login.split("\t")
            say(f"  {'Sign in' if number == 0 else '':<10}{email:<20}{password:<24}{role}")
        say(f"\n  Ctrl-C ends everything; the data stays in {settings.HOME}.\n")

    def _stop(self) -> None:
        self.interrupts.ignore()
        self.supervisor.stop()
        self.stores.stop()


def site(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def stores_of_our_own() -> Services:
    """Return the stores that the settings expect us to run: those no variable names elsewhere."""
    ours = addresses(settings.HOME)
    return Services(
        settings.HOME,
        durable=True,
        postgres=ours.database_url == settings.DATABASE_URL,
        valkey=ours.redis_url == settings.REDIS_URL,
    )


def restart() -> None:
    """Begin anew: the settings of this process hold a port that somebody else has taken."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def require_free(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except PermissionError:
        raise EmbeddedError(f"Port {port} needs root. {another_port()}") from None
    except OSError:
        raise EmbeddedError(f"Port {port} is taken by another program. {another_port()}") from None
    except OverflowError:
        raise EmbeddedError(f"There is no port {port}. {another_port()}") from None


def another_port() -> str:
    return "Choose another one: PORT=8001 make run"


def children_environment(port: int) -> dict[str, str]:
    environment = os.environ | {"DEBUG": "1", "PORT": str(port)}
    if sys.stdout.isatty():  # they write into a pipe of ours, and would take it for a file
        environment.setdefault("LOG_FORMAT", "console")
    return dict(environment)


def is_ready(port: int) -> bool:
    """Whether requests are served and, as far as the server can tell, jobs are worked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK and b'"worker"' not in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
