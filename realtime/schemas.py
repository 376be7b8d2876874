"""JSON Schemas of the classes of messages, out of their fields, types and docstrings."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from itertools import pairwise
from threading import Lock
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from realtime.frames import ServerMessage
from realtime.protocol import MAX_REF_LENGTH, ClientMessage

_parsing = Lock()
"""Python 3.11 raises SystemError where two threads parse, one of them collecting garbage."""
MessageClass = type[ServerMessage] | type[ClientMessage]
Schema = dict[str, Any]

PLAIN: dict[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
}


def of(message: MessageClass) -> Schema:
    """Return the schema of a frame of this kind.

    Frames of the server are described in full; a client may say more than we understand.
    """
    is_ours = issubclass(message, ServerMessage)
    told = field_docs(message)
    hints = get_type_hints(message)
    properties: Schema = {"type": {"const": message.kind}}
    for field in fields(message):
        about = {"description": told[field.name]} if field.name in told else {}
        properties[field.name] = of_type(hints[field.name], field.name, null=not is_ours) | about
    required = ["type", *(field.name for field in fields(message) if field.default is MISSING)]
    closed = {"additionalProperties": False} if is_ours else {}
    return {"type": "object", "properties": properties, "required": required, **closed}


def of_type(hint: Any, name: str = "", *, null: bool = False) -> Schema:
    """Return the schema of a type; `null`: whether None, where allowed, may be written out."""
    if hint in PLAIN:
        return dict(PLAIN[hint])
    if get_origin(hint) is list:
        return {"type": "array", "items": of_type(*get_args(hint))}
    if get_origin(hint) not in {Union, UnionType}:
        raise TypeError(f"`{name}` is of {hint}, which realtime/schemas.py can't describe yet")
    types = [of_type(choice)["type"] for choice in get_args(hint) if choice is not NoneType]
    types += ["null"] if null else []
    found: Schema = {"type": types if len(types) > 1 else types[0]}
    return found | ({"maxLength": MAX_REF_LENGTH} if name == "ref" else {})


def field_docs(message: type) -> dict[str, str]:
    """Return what the strings below the fields say, those of base classes too."""
    found: dict[str, str] = {}
    for each in reversed(message.__mro__[:-1]):
        found.update(_own_docs(each))
    return found


def _own_docs(message: type) -> Iterator[tuple[str, str]]:
    with _parsing:
        body = ast.parse(textwrap.dedent(inspect.getsource(message))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for pair in pairwise(statements):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(words))):
                yield name, " ".join(words.split())


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a table that people read."""

    name: str
    type: str
    is_required: bool
    meaning: str


WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": ""}


def table(message: MessageClass) -> list[Field]:
    """Return the fields of a frame but for its `type`."""
    schema = of(message)
    return [
        Field(
            name,
            _in_words(properties),
            name in schema["required"],
            properties.get("description", ""),
        )
        for name, properties in schema["properties"].items()
        if name != "type"
    ]


def _in_words(schema: Schema) -> str:
    if "format" in schema:
        return {"uuid": "UUID", "date-time": "time"}[schema["format"]]
    if "items" in schema:
        return f"list of {_in_words(schema['items'])}s"
    types = schema.get("type", [])
    words = [WORDS[each] for each in ([types] if isinstance(types, str) else types)]
    return " or ".join(filter(None, words)) or "any JSON"
