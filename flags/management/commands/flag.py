import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.api import parsers
from core.management.base import JsonCommand, UsageError
from flags import listing
from flags.imports import flagsmith, growthbook, launchdarkly, unleash
from flags.plans import settling, terminal
from flags.services import definitions, importing, rules
from flags.services.changes import Author

READERS = {each.SYSTEM: each.read for each in (flagsmith, growthbook, launchdarkly, unleash)}
SIMPLE = {
    "enable": "switch a flag on",
    "disable": "switch a flag off",
    "kill": "switch a flag off at once, whatever its rules say",
    "unkill": "bring back exactly what was killed",
    "reshuffle": "deal everybody anew: others get it at the same percentage",
}
WHOLE = {
    "archive": "take a flag away; its name stays reserved for 30 days",
    "restore": "bring an archived flag back",
    "delete": "delete an archived flag for good; its history stays",
}


class Command(JsonCommand):
    help = "Look at feature flags, switch them, explain an answer, import and export."

    def add_options(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def action(name: str, words: str) -> CommandParser:
            made: CommandParser = actions.add_parser(name, help=words)
            super(Command, self).add_options(made)
            if name not in {*WHOLE, "cancel", "copy-environment", "approval"}:
                made.add_argument("--environment", metavar="NAME", help="this installation's else")
            return made

        action("list", "show every flag that is not archived")
        action("show", "show the rules of one").add_argument("name")
        for name, words in {**SIMPLE, **WHOLE}.items():
            self._add_change(action(name, words))
        rollout = action("rollout", "set a flag's percentage")
        self._add_change(rollout)
        rollout.add_argument("percentage", help="0 to 100, up to three decimals")
        explain = action("explain", "tell step by step why a flag answers as it does")
        explain.add_argument("name")
        explain.add_argument("--context", default="{}", metavar="JSON", help="of the subject")
        self._add_import(action("import", "take over the flags of a file, all or none"))
        action("export", "write Unleash's client format")
        action("stale", "list flags that seem forgotten; exit code 1 if there are some")
        terminal.add_plan(action("plan", "plan a change of a flag's rules"))
        action("plans", "show what is planned")
        terminal.add_cancel(action("cancel", "take a planned change back"))
        terminal.add_copy(action("copy-environment", "take over the rules of an environment"))
        terminal.add_approval(action("approval", "say whether changes take two people"))

    def _add_change(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--reason", default="", help="for the history")
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")

    def _add_import(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--format", "--from", choices=sorted(READERS), required=True, dest="format",
            help="the system that wrote it",
        )  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")
        parser.add_argument("file", metavar="FILE", help="JSON; - reads standard input")

    def perform(self, **options: Any) -> Any:
        action = options["action"]
        done: dict[str, Callable[[Any], Any]] = {
            "list": lambda given: listing.overview(given["environment"]),
            "show": lambda given: listing.details(given["name"], given["environment"]),
            "explain": _explain,
            "import": _import,
            "export": lambda given: listing.exported(given["environment"]),
            "stale": lambda given: listing.stale(given["environment"], now=timezone.now()),
            "plan": terminal.plan,
            "plans": terminal.plans,
            "cancel": terminal.cancel,
            "copy-environment": terminal.copy,
            "approval": terminal.approval,
        }
        if action in {"list", "show"}:
            settling.settle(now=timezone.now())
        if action in done:
            return done[action](options)
        if options["dry_run"]:
            listing.details(options["name"], options.get("environment"), archived=True)
            return {"name": options["name"], "action": action, "dry_run": True}
        return _change(action, options)

    def code(self, result: Any) -> int:
        return int(isinstance(result, dict) and bool(result.get("stale")))

    def lines(self, result: Any) -> list[str]:
        if isinstance(result, dict) and result.keys() & {"plans", "copied", "demands_approval"}:
            return terminal.lines(result)
        return listing.lines(result)


def _change(action: str, options: dict[str, Any]) -> dict[str, Any]:
    author, now, name = Author.operator(reason=options["reason"]), timezone.now(), options["name"]
    common: dict[str, Any] = {"name": name, "author": author, "now": now}
    if action in WHOLE:
        getattr(definitions, action)(**common)
    else:
        common["environment"] = options["environment"]
        in_rules: dict[str, Callable[[], Any]] = {
            "enable": lambda: rules.switch(enabled=True, **common),
            "disable": lambda: rules.switch(enabled=False, **common),
            "kill": lambda: rules.kill(**common),
            "unkill": lambda: rules.unkill(**common),
            "reshuffle": lambda: rules.reshuffle(**common),
            "rollout": lambda: rules.roll_out(percentage=options["percentage"], **common),
        }
        in_rules[action]()
    return {"name": name, "action": action}


def _explain(options: dict[str, Any]) -> Any:
    try:
        context = json.loads(options["context"])
    except ValueError:
        context = None
    if not isinstance(context, dict):
        raise UsageError("--context must be a JSON object.")
    return listing.explained(options["name"], options["environment"], context)


def _import(options: dict[str, Any]) -> Any:
    plan = importing.run(
        imported=READERS[options["format"]](parsers.parse(_content(options["file"]))),
        environment=options["environment"],
        author=Author.operator(),
        now=timezone.now(),
        dry_run=options["dry_run"],
    )
    return {**plan.plain(), "dry_run": options["dry_run"]}


def _content(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} can't be read: {error.strerror or error}.") from None
