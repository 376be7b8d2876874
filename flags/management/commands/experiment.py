from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone

from core.management.base import JsonCommand, UsageError, whole_number
from flags.experiments import counting, presenting, services
from flags.experiments.services import Plan
from flags.models import Experiment
from flags.services.changes import Author


class Command(JsonCommand):
    help = "Begin and end experiments on feature flags, and tell what they found."

    def add_options(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def action(name: str, words: str) -> CommandParser:
            made: CommandParser = actions.add_parser(name, help=words)
            super(Command, self).add_options(made)
            return made

        action("list", "show every experiment that has not ended").add_argument(
            "--all", action="store_true", help="those that have, too"
        )
        self._add_start(action("start", "begin to note who sees what of a flag"))
        stop = action("stop", "end one; what it found stays")
        stop.add_argument("--reason", default="", help="for the history")
        for each in (stop, action("results", "tell what one found so far")):
            each.add_argument("experiment", metavar="ID")

    def _add_start(self, parser: CommandParser) -> None:
        parser.add_argument("flag")
        parser.add_argument("--name", help="of the experiment; the flag's if left out")
        parser.add_argument(
            "--goal", action="append", required=True, metavar="GOAL",
            help="what people shall reach; the first of several is what it is about",
        )  # fmt: skip
        parser.add_argument("--control", metavar="VARIANT", help="the first one, or off")
        parser.add_argument("--hypothesis", default="")
        parser.add_argument("--days", type=whole_number(1, 90), default=14, help="for the goal")
        parser.add_argument("--expected-subjects", type=whole_number(100), default=10_000)
        parser.add_argument("--environment", metavar="NAME", help="this installation's else")
        parser.add_argument("--reason", default="", help="for the history")

    def perform(self, **options: Any) -> Any:
        if options["action"] == "list":
            rows = Experiment.objects.with_environment().listed()
            found = rows if options["all"] else rows.open()
            return [presenting.plain(each) for each in found]
        if options["action"] == "start":
            return _start(options)
        if options["action"] == "stop":
            author = Author.operator(reason=options["reason"])
            ended = services.stop(
                experiment_id=_id(options["experiment"]), author=author, now=timezone.now()
            )
            return presenting.plain(ended)
        counting.count()  # whoever asks here wants what is known now
        wanted = Experiment.objects.with_environment().by_id(_id(options["experiment"]))
        return presenting.plain_results(wanted)

    def lines(self, result: Any) -> list[str]:
        return presenting.lines(result)


def _start(options: dict[str, Any]) -> dict[str, Any]:
    plan = Plan(
        name=options["name"] or options["flag"][:100],
        goals=tuple(options["goal"]),
        hypothesis=options["hypothesis"],
        control=options["control"],
        goal_window_days=options["days"],
        expected_subjects=options["expected_subjects"],
    )
    made = services.start(
        flag=options["flag"],
        plan=plan,
        environment=options["environment"],
        author=Author.operator(reason=options["reason"]),
        now=timezone.now(),
    )
    return presenting.plain(made)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError("This is no id of an experiment.") from None
