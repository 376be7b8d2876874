import json
from typing import Any

from django.core.management.base import CommandParser

from core.jobs import services
from core.jobs.repositories import STATUSES
from core.management.base import JsonCommand, UsageError


class Command(JsonCommand):
    help = "Look at jobs, retry those that failed, defer one by name."

    def add_options(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_list(actions.add_parser("list", help="show jobs, the newest first"))
        self._add_retry(actions.add_parser("retry", help="queue failed jobs anew"))
        self._add_defer(actions.add_parser("defer", help="store one call of a job"))

    def perform(self, **options: Any) -> Any:
        actions = {"list": self._list, "retry": self._retry, "defer": self._defer}
        return actions[options["action"]](options)

    def lines(self, result: Any) -> list[str]:
        if isinstance(result, list):
            return [_line(job) for job in result] or ["No jobs."]
        if "retried" in result:
            verb = "Would queue" if result["dry_run"] else "Queued"
            return [f"{verb} {len(result['retried'])} failed job(s) anew."]
        return [f"Deferred job {result['id']}." if result["id"] else "One is waiting already."]

    def _add_list(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("--status", choices=STATUSES)
        parser.add_argument("--queue", metavar="NAME", help="only jobs of this queue")
        parser.add_argument(
            "--limit", type=int, default=50, help="at most so many (default: %(default)s)"
        )

    def _add_retry(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("ids", nargs="*", type=int, metavar="ID", help="failed jobs")
        parser.add_argument("--all-failed", action="store_true", help="every job that failed")
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")

    def _add_defer(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument("name", metavar="NAME", help="such as accounts.tasks:send_reset_mail")
        parser.add_argument(
            "--args",
            dest="arguments",  # Django keeps `args` for itself
            default="{}",
            metavar="JSON",
            help="an object (default: %(default)s)",
        )

    def _list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        if options["limit"] < 1:
            raise UsageError("--limit must be at least 1.")
        return services.overview(
            status=options["status"], queue=options["queue"], limit=options["limit"]
        )

    def _retry(self, options: dict[str, Any]) -> dict[str, Any]:
        if bool(options["ids"]) == options["all_failed"]:
            raise UsageError("Name the ids of failed jobs, or --all-failed.")
        ids = None if options["all_failed"] else options["ids"]
        retried = services.retry(ids=ids, dry_run=options["dry_run"])
        return {"retried": retried, "dry_run": options["dry_run"]}

    def _defer(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            arguments = json.loads(options["arguments"])
            if not isinstance(arguments, dict):
                raise TypeError("--args must be a JSON object")
            return {"id": services.defer(name=options["name"], arguments=arguments)}
        except (ValueError, TypeError) as error:
            raise UsageError(f"These arguments do not fit: {error}.") from None


def _line(job: dict[str, Any]) -> str:
    told = job["reason"] or job["error"] or ""
    return f"{job['id']:>8}  {job['status']:<9}  {job['queue']}  {job['name']}  {told}".rstrip()
