"""Holds every frame of the test run against the socket's own description of itself."""

from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from realtime import asyncapi

Frame = dict[str, Any]


class UndocumentedFrame(AssertionError):
    """A frame went over the socket that /api/asyncapi doesn't describe."""


def check_said(frame: Frame) -> None:
    """Assert that a client may say this."""
    _check(f"{frame['type']}Request", frame)


def check_heard(frame: Frame) -> None:
    """Assert that a client was told to expect this, to the last field."""
    kind = frame.get("type")
    event = f"{frame['channel'].partition(':')[0]}.{frame['event']}" if kind == "event" else ""
    _check(event if event in _messages() else str(kind), frame)


def _check(name: str, frame: Frame) -> None:
    message = _messages().get(name)
    if message is None:
        raise UndocumentedFrame(f"/api/asyncapi has no message {name!r}: {frame}")
    formats = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(message["payload"], format_checker=formats)
    for error in validator.iter_errors(frame):
        raise UndocumentedFrame(f"{name} is not as /api/asyncapi says: {error.message}")


@cache
def _messages() -> dict[str, Any]:
    document = orjson.loads(orjson.dumps(asyncapi.build()))
    found: dict[str, Any] = document["components"]["messages"]
    return found
