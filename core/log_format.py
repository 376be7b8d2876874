"""Turns an event into one line: a JSON object for machines, or coloured text for a terminal."""

import re
import time
import traceback
from collections.abc import Callable, MutableMapping
from itertools import islice
from types import TracebackType
from typing import Any

import orjson

from core.redaction import as_text, is_secret_name, may_hold_secret, redact, redact_text

Event = MutableMapping[str, Any]

FIELD_BYTES = 8192
_MESSAGE_CHARACTERS = 2000
_FRAMES = 20
_CAUSES = 3
_PLAIN = frozenset({str, int, float, bool, type(None)})
_NAMES_REMEMBERED = 2000
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_UTC_Z

_UNESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_harmless_names: set[str] = set()
_second = (0, "")


def timestamp(moment: float) -> str:
    """Return RFC 3339 with milliseconds; the part down to seconds is made once a second."""
    global _second  # one tuple, replaced as a whole: safe without a lock
    whole = int(moment)
    second = _second
    if second[0] != whole:
        second = _second = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return f"{second[1]}.{int((moment - whole) * 1000):03d}Z"


def json_line(event: Event) -> bytes:
    """Return one JSON object and a newline. Never raises; no secret, no field over 8 KiB."""
    for name, value in event.items():
        if name not in _harmless_names or type(value) not in _PLAIN:
            event[name] = _judged(name, value)
    try:
        line = orjson.dumps(event, default=as_text, option=_OPTIONS)
    except (TypeError, RecursionError):  # a lone surrogate, an integer over 64 bits
        return _careful_line(event)
    if len(line) > FIELD_BYTES or may_hold_secret(line) or not line.isascii() or b"\x7f" in line:
        return _careful_line(event)
    return line + b"\n"


def _careful_line(event: Event) -> bytes:
    line = orjson.dumps(_cleaned(event))
    if not line.isascii() or b"\x7f" in line:
        # JSON allows these as they are, but readers of text see line ends and terminals commands.
        line = _UNESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", line.decode()).encode()
    return line + b"\n"


def _judged(name: str, value: object) -> object:
    if is_secret_name(name) or type(value) not in _PLAIN:
        return redact(value, name=name)
    if len(_harmless_names) < _NAMES_REMEMBERED:
        _harmless_names.add(name)
    return value


def _cleaned(event: Event) -> dict[str, Any]:
    return {_sound(redact_text(name)): _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    clean = _dumpable(redact(value, name=name))
    if isinstance(clean, str):
        return cut(clean)
    size = len(orjson.dumps(clean)) if isinstance(clean, dict | list) else 0
    return clean if size <= FIELD_BYTES else cut(orjson.dumps(clean).decode())


def _dumpable(value: object) -> object:
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, dict):
        return {_sound(key): _dumpable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dumpable(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return cut(str(value)) if value.bit_length() < 10_000 else "<huge integer>"
    return value


def _sound(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def cut(text: str) -> str:
    """Return at most 8 KiB of UTF-8, with an ellipsis where something is missing."""
    encoded = text.encode()
    if len(encoded) <= FIELD_BYTES:
        return text
    return encoded[: FIELD_BYTES - 3].decode(errors="ignore") + "…"


def describe_exception(error: BaseException, *, causes: int = _CAUSES) -> dict[str, Any]:
    """Return an exception as fields: what, where (innermost frames last), and why. No locals."""
    kind = type(error)
    described: dict[str, Any] = {
        "type": kind.__qualname__ if kind.__module__ == "builtins" else _qualified(kind),
        "message": as_text(error)[:_MESSAGE_CHARACTERS],
        "frames": _frames(error.__traceback__),
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and causes:
        described["cause"] = describe_exception(cause, causes=causes - 1)
    if isinstance(error, BaseExceptionGroup) and causes:
        described["exceptions"] = [describe_exception(e, causes=0) for e in error.exceptions[:5]]
    return described


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _frames(tb: TracebackType | None) -> list[dict[str, Any]]:
    steps = list(islice(traceback.walk_tb(tb), 2000))[-_FRAMES:]
    return [
        {"file": frame.f_code.co_filename, "line": line, "function": frame.f_code.co_name}
        for frame, line in steps
    ]


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COLOURS = {"debug": "36", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_FIRST_FIELDS = ("timestamp", "level", "event", "logger", "exception")


def console_line(event: Event, *, colour: bool) -> bytes:
    """Return readable text: one line an event, and an exception's lines after it, indented."""
    fields = _cleaned(event)
    paint = _painted if colour else _plain
    level = str(fields.get("level", ""))
    facts = "".join(
        f" {paint(_escape(name), '2')}={_escape(value)}"
        for name, value in fields.items()
        if name not in _FIRST_FIELDS
    )
    clock = str(fields.get("timestamp", ""))[11:23]
    head = f"{paint(clock, '2')} {paint(f'{level:<8}', _COLOURS.get(level, '0'))}"
    what = f"{paint(_escape(fields.get('event', '')), '1')}{facts}"
    tail = paint(f"[{_escape(fields.get('logger', ''))}]", "2")
    return f"{head} {what} {tail}\n{_exception_lines(fields.get('exception'))}".encode()


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, code: str) -> str:
    return text


def _escape(value: object) -> str:
    """Return text in which nothing can start a line, move the cursor or change the colour."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _exception_lines(described: object, *, title: str = "") -> str:
    if not isinstance(described, dict):
        return "" if described is None else f"    {_escape(described)}\n"
    lines = [f"    {title}{_escape(described['type'])}: {_escape(described['message'])}\n"]
    lines += [
        f"      {_escape(frame['file'])}:{frame['line']} in {_escape(frame['function'])}\n"
        for frame in described["frames"]
    ]
    lines.append(_exception_lines(described.get("cause"), title="caused by "))
    lines += [_exception_lines(one, title="one of ") for one in described.get("exceptions", [])]
    return "".join(lines)


Formatter = Callable[[Event], bytes]
