from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import CommandParser

from core.jobs.worker import Worker, leave_process
from core.lifecycle import exit_with_parent
from core.management.base import ServingCommand, whole_number


class Command(ServingCommand):
    help = "Run jobs until told to end (SIGTERM or SIGINT)."
    unconcerned = frozenset({Tags.admin, Tags.urls})  # they would import every view

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default="", help="only these, comma-separated; else all")
        parser.add_argument(
            "--concurrency",
            type=whole_number(1),
            default=settings.WORKER_CONCURRENCY,
            help="jobs at the same time (default: %(default)s)",
        )
        parser.add_argument(
            "--exit-with-parent", action="store_true", help="end when the parent process dies"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["exit_with_parent"]:
            exit_with_parent()
        queues = [name.strip() for name in options["queues"].split(",") if name.strip()]
        Worker(queues=queues or None, concurrency=options["concurrency"]).run()
        leave_process(0)
