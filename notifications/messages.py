"""What is to be told, before it is anybody's notification; and whether it may be told so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from core.errors import FieldProblem, InvalidError
from notifications import kinds, links
from notifications.broadcasts.models import MAX_TITLE
from notifications.kinds import Kind, Type

MAX_BODY = 4_000
MAX_ACTIONS = 3
MAX_LABEL = 80
MAX_METADATA_BYTES = 16 * 1024

Action = Mapping[str, str]
"""`label` and `url`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A kind with texts needs no title. `type` is the kind's own unless given.

    The same `dedupe_key` reaches a person once for each kind. What has the same `group_key` is one
    row while that row is open.
    """

    kind: str
    title: str = ""
    body: str = ""
    type: str = ""
    actions: Sequence[Action] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    organization_id: UUID | None = None
    """Whoever does not belong there does not get it, and loses it with their membership."""
    actor_id: UUID | None = None
    dedupe_key: str = ""
    group_key: str = ""

    @property
    def spec(self) -> Kind:
        return kinds.named(self.kind)

    def columns(self) -> dict[str, Any]:
        """Return what a row stores of it; its texts are for who sends it to render."""
        return {
            "kind": self.kind,
            "type": self.type or self.spec.type,
            "title": self.title,
            "body": self.body,
            "actions": [dict(action) for action in self.actions],
            "metadata": dict(self.metadata),
            "payload_version": self.spec.version,
        }


def check(message: Message) -> None:
    """Raises InvalidError with all that is wrong."""
    problems = list(_problems(message))
    if problems:
        raise InvalidError(*problems)


def _problems(message: Message) -> Iterator[FieldProblem]:
    if not kinds.is_name(message.kind):
        yield FieldProblem("/kind", "invalid", "Write a kind like build.finished.")
    if not message.title and not message.spec.has_texts:
        yield FieldProblem("/title", "required", "Say something: this kind has no text of its own.")
    if message.type and message.type not in Type.values:
        yield FieldProblem("/type", "invalid", f"Give one of these: {', '.join(Type.values)}.")
    yield from _too_long(message)
    yield from _action_problems(message.actions)
    yield from _metadata_problems(message)


def _too_long(message: Message) -> Iterator[FieldProblem]:
    for name, text, limit in (
        ("title", message.title, MAX_TITLE),
        ("body", message.body, MAX_BODY),
    ):
        if len(text) > limit:
            yield FieldProblem(f"/{name}", "too_long", f"At most {limit} characters.")
        if "\0" in text:
            yield FieldProblem(f"/{name}", "null_character", "Text can't hold a NUL character.")


def _action_problems(actions: Sequence[Action]) -> Iterator[FieldProblem]:
    if len(actions) > MAX_ACTIONS:
        yield FieldProblem("/actions", "invalid", f"At most {MAX_ACTIONS}.")
    for index, action in enumerate(actions[:MAX_ACTIONS]):
        if not links.is_allowed(action["url"]):
            detail = "Give an http or https address, or a path that begins with one slash."
            yield FieldProblem(f"/actions/{index}/url", "invalid", detail)
        if not action["label"].strip() or len(action["label"]) > MAX_LABEL:
            detail = f"Give a label of at most {MAX_LABEL} characters."
            yield FieldProblem(f"/actions/{index}/label", "invalid", detail)


def _metadata_problems(message: Message) -> Iterator[FieldProblem]:
    try:
        size = len(orjson.dumps(dict(message.metadata)))
    except TypeError:  # numbers beyond 64 bits, or what JSON has no word for
        yield FieldProblem("/metadata", "invalid", "This is not JSON that can be kept.")
        return
    if size > MAX_METADATA_BYTES:
        yield FieldProblem("/metadata", "too_long", f"At most {MAX_METADATA_BYTES} bytes of JSON.")
        return
    for fault in message.spec.faults(dict(message.metadata)):
        yield FieldProblem("/metadata", "invalid", fault[:200])
