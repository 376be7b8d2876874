import sys
from typing import Any

from django.core.management.base import CommandParser

from core import lifecycle, serving
from core.management.base import ServingCommand, whole_number


class Command(ServingCommand):
    help = "Serve HTTP and WebSockets on one port until SIGTERM, then drain and exit 0."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--port", type=whole_number(1, 65_535), default=8000, help="port to listen on"
        )
        parser.add_argument(
            "--workers", type=whole_number(1, 256), default=1, help="processes on the one port"
        )
        parser.add_argument(
            "--exit-with-parent", action="store_true", help="end when the parent dies"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        listener = serving.listen(options["host"], options["port"])
        if options["exit_with_parent"]:
            lifecycle.exit_with_parent()
        if options["workers"] > 1:
            sys.exit(serving.serve_in_processes(listener, options["workers"]))
        serving.serve(listener)
