"""What docs/reference says of limits, errors, events and commands. Import it once Django is up."""

import ast
import json
import re
from argparse import Action, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from check import ROOT
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from drf_spectacular.generators import SchemaGenerator
from reference_tables import Stale, code, table

from audit.readings import READINGS
from config import env
from core import problems, ratelimits
from core.errors import DomainError
from core.problems import Problem
from realtime import asyncapi, channels, close_codes, frames, protocol, schemas


def regions() -> dict[str, str]:
    # The calls first: to find them imports every module that answers, and so every error.
    return (
        {"calls": calls(), "limits": limits()}
        | errors()
        | events()
        | commands()
        | audit()
        | realtime()
    )


def our_apps() -> list[str]:
    return [app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT]


# -- Calls -----------------------------------------------------------------------------------------
def calls() -> str:
    """Return every call of the OpenAPI document, with what its docstring says."""
    generator: Any = SchemaGenerator
    paths = generator().get_schema(public=True)["paths"]
    rows = [
        [
            code(f"{method.upper()} {path.removeprefix('/api/v1')}"),
            ", ".join(number for number in operation["responses"] if number < "300"),
            one_line(operation.get("description", "")),
        ]
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]
    return table(["call", "answers", "what it does"], rows)


# -- Limits ----------------------------------------------------------------------------------------
def limits() -> str:
    values = json.loads(env.VARIABLES["RATE_LIMITS"].default or "{}")
    rows = [
        [code(scope), code(values[scope]) if scope in values else "off", counted_by]
        for scope, counted_by in ratelimits.SCOPES.items()
    ]
    return table(["scope", "tries/seconds", "counted by"], rows)


# -- Errors ----------------------------------------------------------------------------------------
def errors() -> dict[str, str]:
    """Return the catalog in three parts: codes that an error has, codes of fields, and the rest."""
    used = {kind.code for kind in kinds_of(DomainError)} | {"internal_error"}
    catalog = problems.CATALOG.values()
    return {
        "errors": codes(p for p in catalog if not p.in_errors and p.code in used),
        "errors of fields": codes(p for p in catalog if p.in_errors),
        "errors to come": codes(p for p in catalog if not p.in_errors and p.code not in used),
    }


def codes(found: Iterator[Problem]) -> str:
    rows = sorted((p.statuses, p.code, p.meaning, p.advice) for p in found)
    return table(
        ["status", "code", "what happened", "what to do"],
        ([", ".join(map(str, numbers)), code(name), *words] for numbers, name, *words in rows),
    )


def kinds_of(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from kinds_of(narrower)


# -- Events ----------------------------------------------------------------------------------------
def events() -> dict[str, str]:
    files = {name: ROOT / name / "events.py" for name in our_apps()}
    return {
        f"events {name}": "\n\n".join(map(event, classes(file)))
        for name, file in files.items()
        if file.is_file() and list(classes(file))
    }


def classes(file: Path) -> Iterator[ast.ClassDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return (node for node in tree.body if isinstance(node, ast.ClassDef) and is_dataclass(node))


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass(" in ast.unparse(decorator) for decorator in node.decorator_list)


def event(node: ast.ClassDef) -> str:
    meaning = ast.get_docstring(node)
    if not meaning:
        raise Stale(f"The event {node.name} has no docstring: say what happened.")
    fields = [
        f"- {code(field.target.id)}, {code(ast.unparse(field.annotation))}{about}"
        for field, about in fields_of(node)
    ]
    return "\n".join([f"### {node.name}", "", one_line(meaning), "", *fields])


def fields_of(node: ast.ClassDef) -> Iterator[tuple[Any, str]]:
    """Return each field with the string that stands below it, as ": what it means"."""
    for field, below in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(field, ast.AnnAssign):
            match below:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    yield field, f": {one_line(words)}"
                case _:
                    yield field, ""


def one_line(text: str) -> str:
    return " ".join(text.split())


# -- Audit -----------------------------------------------------------------------------------------
def audit() -> dict[str, str]:
    rows = [
        [
            code(reading.action),
            code(reading.target.type),
            ", ".join(map(code, reading.changes)),
            ", ".join(map(code, [*reading.shows, *reading.changes])),
            code(event_type.__name__),
        ]
        for event_type, reading in READINGS.items()
    ]
    heads = ["action", "target_type", "before", "after", "event"]
    return {"audit actions": table(heads, rows)}


# -- Commands --------------------------------------------------------------------------------------
def commands() -> dict[str, str]:
    ours = set(our_apps())
    return {
        f"command {name}": command(name, load_command_class(app, name))
        for name, app in sorted(get_commands().items())
        if app in ours
    }


def command(name: str, found: BaseCommand) -> str:
    actions = own_actions(found.create_parser("manage.py", name))
    branches = [action for action in actions if isinstance(action, _SubParsersAction)]
    parts = [found.help, options(action for action in actions if action not in branches)]
    for action, parser in (pair for branch in branches for pair in branch.choices.items()):
        told = next(c.help for c in branches[0]._choices_actions if c.dest == action)
        parts += [f"{code(f'{name} {action}')}: {told}.", options(iter(own_actions(parser)))]
    return "\n\n".join(part for part in parts if part)


def own_actions(parser: Any) -> list[Action]:
    """Return what a command takes beyond what every command of Django takes."""
    common = {action.dest for action in BaseCommand().create_parser("manage.py", "")._actions}
    return [action for action in parser._actions if action.dest not in common]


def options(actions: Iterator[Action]) -> str:
    rows = [[code(spelled(action)), default(action), meaning(action)] for action in actions]
    return table(["option", "default", "meaning"], rows) if rows else ""


def spelled(action: Action) -> str:
    value = str(action.metavar or action.dest.upper()) if action.nargs != 0 else ""
    names = ", ".join(action.option_strings)
    return f"{names} {value}".strip() + ("…" if action.nargs in {"*", "+"} else "")


def default(action: Action) -> str:
    if action.nargs == 0:  # a flag
        return ""
    if action.required and action.nargs != "*":
        return "required"
    return code(action.default) if action.default else ""


def meaning(action: Action) -> str:
    told = re.sub(r"\s*\(?default: %\(default\)s\)?", "", action.help or "")
    choices = [code(choice) for choice in action.choices or []]
    return told or ", ".join(choices)


# -- Realtime --------------------------------------------------------------------------------------
def realtime() -> dict[str, str]:
    return {
        "frames of clients": "\n\n".join(frame("Say", each) for each in protocol.KINDS.values()),
        "frames of the server": "\n\n".join(frame("Hear", each) for each in frames.KINDS.values()),
        "channels": table(
            ["channel", "id", "what is said there"],
            ([code(asyncapi.address_of(k)), k.key, k.meaning] for k in channels.kinds()),
        ),
        "events on channels": table(
            ["channel", "event", "what happened", "data"],
            (
                [code(asyncapi.address_of(k)), code(e.name), e.meaning, names_in(e)]
                for k in channels.kinds()
                for e in channels.events(k.name)
            ),
        ),
        "close codes": table(
            ["code", "why", "what to do"],
            ([code(str(c.number)), c.meaning, c.advice] for c in close_codes.CATALOG),
        ),
    }


def names_in(event: channels.EventType) -> str:
    return ", ".join(code(name) for name in event.data.get("properties", {}))


def frame(verb: str, message: schemas.MessageClass) -> str:
    rows = [
        [code(field.name), field.type, "" if field.is_required else "yes", field.meaning]
        for field in schemas.table(message)
    ]
    parts = [f"### {verb} {message.kind}", one_line(message.__doc__ or "")]
    return "\n\n".join([*parts, table(["field", "type", "may be missing", "meaning"], rows)])
