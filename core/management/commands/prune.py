from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core import pruning
from core.jobs import registry
from core.management.base import JsonCommand, require_migrations


class Command(JsonCommand):
    help = "Delete what has served its time. A worker does this once a day; twice does no harm."

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")

    def perform(self, **options: Any) -> dict[str, Any]:
        require_migrations()  # without a table every single prune would fail, each in the log
        registry.load()
        pruned = pruning.run(now=timezone.now(), dry_run=options["dry_run"])
        return {"pruned": pruned, "dry_run": options["dry_run"]}

    def lines(self, result: Any) -> list[str]:
        verb = "would go" if result["dry_run"] else "deleted"
        return [
            f"{name}: failed, see the log" if count is None else f"{name}: {count} {verb}"
            for name, count in result["pruned"].items()
        ]

    def code(self, result: Any) -> int:
        return int(None in result["pruned"].values())
