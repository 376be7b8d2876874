"""One place where everything that is logged ends: structlog, the standard library, warnings.

Settings call `configure_logging` before any app loads, so nothing of Django is imported here.
"""

import atexit
import logging
import os
import sys
import threading
import time
from functools import partial
from types import TracebackType
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars

from core.log_format import Event, Formatter, console_line, describe_exception, json_line, timestamp
from core.log_writer import LogWriter

FLUSH_SECONDS = 1.0

SERVER_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        name: {"handlers": [], "level": level, "propagate": True}
        for name, level in {
            "uvicorn": "INFO",
            "uvicorn.error": "WARNING",  # its lines about sockets hold whole addresses, tickets too
            "uvicorn.access": "WARNING",  # RequestMiddleware writes the line about a request
            "_granian": "INFO",
            "granian.access": "WARNING",
        }.items()
    },
}
"""For servers that insist on configuring it: uvicorn `log_config`, granian `log_dictconfig`."""

# What these say about each request is in RequestMiddleware's line, with the rest of the facts.
_QUIET = {
    "uvicorn.error": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "granian.access": logging.WARNING,
    "daphne.http_protocol": logging.WARNING,
    "django.request": logging.ERROR,
    "asyncio": logging.WARNING,
    "httpx2": logging.WARNING,  # its lines hold whole addresses, which let their holder push
    "procrastinate": logging.WARNING,
}
_HEAD = ("timestamp", "level", "logger")
_LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical", "msg": "info"}
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
}

# Changed in place: loggers that were already used hold on to this list.
_processors: list[structlog.typing.Processor] = []
_format: Formatter = json_line


def configure_logging(*, level: str, format: str) -> None:
    """Send everything of `level` and above to stdout, as `json` or for a `console`.

    May be called again; the last call counts.
    """
    global _format
    colour = os.isatty(1) and "NO_COLOR" not in os.environ
    _format = json_line if format == "json" else partial(console_line, colour=colour)
    _processors[:] = [merge_contextvars, _complete, _render]
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=QueueLogger,
        cache_logger_on_first_use=True,
    )
    _configure_standard_library(level)
    _configure_hooks(crashes=format == "json")


def use_stderr() -> None:
    """Write the log to stderr from now on, for commands whose stdout is their result."""
    writer.flush(timeout_seconds=FLUSH_SECONDS)
    writer.descriptor = 2


def flush() -> bool:
    """Wait at most a second until what was logged is written; say whether it is."""
    return writer.flush(timeout_seconds=FLUSH_SECONDS)


class QueueLogger:
    """What structlog's bound loggers call with a finished line."""

    def __init__(self, name: str = "root") -> None:
        self.name = name

    def msg(self, line: bytes) -> None:
        writer.put(line)

    debug = info = warning = warn = error = critical = fatal = exception = log = msg


def _complete(logger: Any, method: str, fields: Event) -> Event:
    """Put what every line has in front; no field of a caller may pretend to be it."""
    head: Event = {
        "timestamp": timestamp(time.time()),
        "level": _LEVELS.get(method, method),
        "event": fields.pop("event", ""),
        "logger": getattr(logger, "name", "root"),
    }
    if "exc_info" in fields:
        error = _error(fields.pop("exc_info"))
        if error is not None:
            fields["exception"] = describe_exception(error)
    for name in _HEAD:
        if name in fields:
            fields[f"{name}_"] = fields.pop(name)
    head.update(fields)
    return head


def _error(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _render(logger: Any, method: str, fields: Event) -> bytes:
    return _format(fields)


class QueueHandler(logging.Handler):
    """Gives records of the standard library the same shape and the same way out."""

    def createLock(self) -> None:  # noqa: N802  the standard library's name
        self.lock = None  # the queue has its own

    def emit(self, record: logging.LogRecord) -> None:
        fields: Event = {
            name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS
        }
        fields["event"] = _message(record)
        fields["exc_info"] = record.exc_info
        method = logging.getLevelName(record.levelno).lower()
        for process in _processors[:-1]:
            fields = process(record, method, fields)  # type: ignore[assignment]
        fields["timestamp"] = timestamp(record.created)
        writer.put(_format(fields))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a library's mistake in its arguments is no reason to fail its caller
        return str(record.msg)


def _configure_standard_library(level: str) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) in {QueueHandler, logging.StreamHandler}:
            root.removeHandler(handler)
    root.addHandler(QueueHandler())
    root.setLevel(level)
    for name in SERVER_LOGGING["loggers"]:
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    for name, minimum in _QUIET.items():
        logging.getLogger(name).setLevel(max(minimum, root.level))
    logging.captureWarnings(capture=True)


def _configure_hooks(*, crashes: bool) -> None:
    """Log what nobody caught. Without `crashes` Python shows the end of the process itself."""
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable
    sys.excepthook = _process_died if crashes else sys.__excepthook__


def _thread_died(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        name = args.thread.name if args.thread else None
        _log().error("thread.died", thread=name, exc_info=args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    _log().error("exception.ignored", where=repr(args.object), exc_info=args.exc_value)


def _process_died(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    if issubclass(kind, Exception):
        _log().critical("process.died", exc_info=error)
    else:
        sys.__excepthook__(kind, error, where)


def _log() -> Any:
    return structlog.get_logger("core.logging")


def _report_dropped(count: int) -> bytes:
    fields: Event = {"event": "log.dropped", "count": count}
    return _format(_complete(QueueLogger("core.logging"), "warning", fields))


writer = LogWriter(1, report=_report_dropped)
atexit.register(flush)
