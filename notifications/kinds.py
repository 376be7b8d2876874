"""The kinds of notifications: a registry, to which every app adds its own from `apps.py`.

    kinds.register(Kind("task.assigned", "A task was given to you", title="{actor}: {task}"))

A title or body of a kind is a template: `{actor}` is who did it, `{count}` how many are grouped,
and every member of the metadata stands under its name. It is read when somebody looks, in their
language, so texts may be lazy translations. A kind without a title takes its text with each
notification.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.functional import Promise

MAX_KIND = 64
NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")


class Type(models.TextChoices):
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class Channel(models.TextChoices):
    IN_APP = "in_app"
    EMAIL = "email"
    PUSH = "push"


Template = str | Promise
Audience = Callable[[Mapping[str, Any], Iterable[UUID]], Iterable[UUID]]
"""Takes the metadata and people; returns those of them who may know of it."""
Upgrade = Callable[[dict[str, Any], int], dict[str, Any]]
"""Takes metadata and the version that it follows; returns what the kind's own version has."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    description: Template
    """What it tells, for whoever decides whether they want it."""
    title: Template = ""
    body: Template = ""
    group_title: Template = ""
    """The title of several; without one a group shows the title of the latest."""
    link: str = ""
    """A template of the address that the notification leads to: a path of ours."""
    link_label: Template = ""
    type: str = Type.INFO
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    """JSON Schema (2020-12) of the metadata."""
    channels: frozenset[str] = frozenset({Channel.IN_APP, Channel.PUSH})
    """Where it goes unless somebody chose otherwise."""
    is_required: bool = False
    """Nobody can turn its channels off."""
    is_urgent: bool = False
    """Passes quiet hours and waits for no digest."""
    is_open: bool = False
    """Anybody who may send through the API may use it."""
    tells_actor: bool = False
    """Told also to the one who did it."""
    reopens: bool = True
    """A group that was read becomes unread with the next of it; else the next begins another."""
    grouped_for: timedelta = timedelta(hours=1)
    """A group that nothing was added to for so long is closed."""
    most_a_minute: int = 30
    """What comes to one person beyond that collapses into one group."""
    read_days: int = 90
    unread_days: int = 365
    """For how long a read and an unread one are kept."""
    version: int = 1
    upgrade: Upgrade | None = None
    audience: Audience | None = None

    @property
    def has_texts(self) -> bool:
        return bool(self.title)

    def faults(self, metadata: Any) -> list[str]:
        """Return what is wrong with metadata, in words; nothing is wrong with what fits."""
        from jsonschema import Draft202012Validator  # few commands tell anybody anything

        validator = Draft202012Validator(dict(self.schema))
        return [error.message for error in validator.iter_errors(metadata)]

    def upgraded(self, metadata: dict[str, Any], version: int) -> dict[str, Any]:
        if version >= self.version or self.upgrade is None:
            return metadata
        return self.upgrade(metadata, version)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind; a second one of the same name replaces the first. Raises ValueError.

    Whether its schema is one is told by `manage.py check`, and before a server or worker starts.
    """
    if not is_name(kind.name):
        raise ValueError(f"{kind.name!r} is no name of a kind: write it like task.assigned")
    _kinds[kind.name] = kind


def is_name(name: str) -> bool:
    return len(name) <= MAX_KIND and NAME.fullmatch(name) is not None


def find(name: str) -> Kind | None:
    """Return a kind; None for one that no app registers, or no longer."""
    return _kinds.get(name)


def named(name: str) -> Kind:
    """Return a kind; for a name that no app registers, one that holds to the ordinary."""
    return _kinds.get(name) or Kind(name, "", is_open=True, tells_actor=True)


def registered() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)
