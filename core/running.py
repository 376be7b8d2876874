"""What is running, as the front page tells it: the health checks in words for people."""

from typing import TypedDict

from asgiref.sync import async_to_sync

from core import health


class Service(TypedDict):
    name: str
    state: str
    """ok or down"""
    note: str


WORDS = {
    "database": (
        "PostgreSQL",
        "Keeps everything that must not be lost.",
        "Nothing can be read or changed until it is back. Nothing that was confirmed is lost.",
    ),
    "migrations": (
        "Database schema",
        "Fits this version.",
        "Is older than this version. Run: python manage.py migrate",
    ),
    "redis": (
        "Redis or Valkey",
        "Carries live pushes and remembers what is asked often.",
        "Everything still works without it; live pushes come late.",
    ),
    "worker": (
        "Worker",
        "Sends mail and does what need not be waited for.",
        "Mail and other work wait until one runs. Start: python manage.py worker",
    ),
}
"""Name of a check to the name people know it by, and what it means when it holds and when not."""


def services() -> list[Service]:
    """Return every health check, also those that other apps registered; takes a second at most."""
    failed = async_to_sync(health.ready)()[1]["failed"]
    names = [name for name in health.REQUIRED | health.OPTIONAL if _is_known(name, failed)]
    return [_service(name, is_down=name in failed) for name in names]


def _is_known(name: str, failed: list[str]) -> bool:
    return name != "migrations" or "database" not in failed  # only a database can tell its schema


def _service(name: str, *, is_down: bool) -> Service:
    label, well, badly = WORDS.get(name, (name.replace("_", " ").capitalize(), "", ""))
    return Service(name=label, state="down" if is_down else "ok", note=badly if is_down else well)
