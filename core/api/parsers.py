"""JSON as the contract wants it read: strictly, in bounded time, and every refusal with its place.

The stock parser answers 500 to deep nesting, lone surrogates and huge integers, and lets NaN,
infinities, NUL characters and duplicate keys through.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.api.exceptions import MalformedJSONError, PayloadTooLargeError, escaped
from core.errors import FieldProblem, InvalidError

MAX_DEPTH = 64
LARGEST_INTEGER = 2**63 - 1
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


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
    problems = list(_faults(document, "", 0))
    if problems:
        raise InvalidError(*problems)
    return document


def _faults(value: Any, pointer: str, depth: int) -> Iterator[FieldProblem]:
    if depth > MAX_DEPTH:
        raise MalformedJSONError
    if isinstance(value, _Refused):
        yield FieldProblem(pointer, value.code, value.detail)
    elif isinstance(value, str):
        yield from _text_faults(value, pointer)
    elif isinstance(value, dict):
        yield from _key_faults(value, pointer)
    for place, inner in _inside(value):
        yield from _faults(inner, f"{pointer}/{place}", depth + 1)


def _inside(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return ((escaped(key), inner) for key, inner in value.items())
    return enumerate(value) if isinstance(value, list) else ()


def _key_faults(found: dict[str, Any], pointer: str) -> Iterator[FieldProblem]:
    if any(any(_text_faults(key, pointer)) for key in found):
        yield FieldProblem(pointer, "invalid", "A key here holds characters that no key may.")


def _text_faults(text: str, pointer: str) -> Iterator[FieldProblem]:
    if "\0" in text:
        yield FieldProblem(pointer, "null_character", "Text can't hold a NUL character.")
    if LONE_SURROGATE.search(text):
        yield FieldProblem(pointer, "invalid", "This is not valid Unicode text.")


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
