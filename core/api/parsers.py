"""JSON as the contract wants it read: strictly, in bounded time, and every refusal with its place.

The stock parser answers 500 to deep nesting, lone surrogates and huge integers, and lets NaN,
infinities, NUL characters and duplicate keys through.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.api.exceptions import MalformedJSONError, PayloadTooLargeError, escaped
from core.errors import MAX_PROBLEMS, FieldProblem, InvalidError

MAX_DEPTH = 64
LARGEST_INTEGER = 2**63 - 1
UNFIT = re.compile("[\0\ud800-\udfff]")
"""NUL and lone surrogates: PostgreSQL and UTF-8 can hold neither."""
Place = tuple[Any, Any, str | int]
"""A value, the Place of what holds it (None for the document), and its key or number there."""


class _Refused:
    """Stands in the parsed document where a value was refused, so that its place can be told."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


def _integer(digits: str) -> int | _Refused:
    # More than 19 digits can't fit; int() of thousands of digits takes quadratic time.
    if len(digits) <= 20 and abs(number := int(digits)) <= LARGEST_INTEGER:
        return number
    return _Refused("invalid", "This number is too large.")


def _decimal(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _Refused("invalid", "This number is too large.")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Refused("invalid", "This key stands here twice.") if key in found else value
    return found


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
)


def parse(body: bytes) -> Any:
    """Return the document. Raises MalformedJSONError, or InvalidError with pointers."""
    try:
        document = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedJSONError from None
    problems = list(islice(_faults(document), MAX_PROBLEMS))
    if problems:
        raise InvalidError(*problems)
    return document


def _faults(document: Any) -> Iterator[FieldProblem]:
    """Walk half a million values at each large body: a place is put into words only for a fault."""
    level: list[Place] = [([document], None, 0)]
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Place] = []
        yield from _level_faults(level, deeper)
        level = deeper
    if level:
        raise MalformedJSONError


def _level_faults(level: list[Place], deeper: list[Place]) -> Iterator[FieldProblem]:
    """Judge what the containers of one depth hold; add the containers among it to `deeper`."""
    for place in level:
        is_object = type(place[0]) is dict
        yield from _key_faults(place) if is_object else ()
        for key, value in place[0].items() if is_object else enumerate(place[0]):
            kind = type(value)
            if kind is dict or kind is list:
                if value:
                    deeper.append((value, place, key))
            elif (kind is str and UNFIT.search(value)) or kind is _Refused:
                yield _fault(value, _pointer((value, place, key)))


def _key_faults(place: Place) -> Iterator[FieldProblem]:
    if UNFIT.search("".join(place[0])):
        detail = "A key here holds characters that no key may."
        yield FieldProblem(_pointer(place), "invalid", detail)


def _fault(value: Any, pointer: str) -> FieldProblem:
    if isinstance(value, _Refused):
        return FieldProblem(pointer, value.code, value.detail)
    if "\0" in value:
        return FieldProblem(pointer, "null_character", "Text can't hold a NUL character.")
    return FieldProblem(pointer, "invalid", "This is not valid Unicode text.")


def _pointer(place: Place) -> str:
    """Return the pointer; the document itself stands at 0 of a list that is not told."""
    steps = []
    _, parent, key = place
    while parent and parent[1]:
        steps.append(f"/{escaped(str(key))}")
        _, parent, key = parent
    return "".join(reversed(steps))


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise PayloadTooLargeError
        return parse(body)
