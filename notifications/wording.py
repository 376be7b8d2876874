"""How a notification reads: by its kind's templates where it has them, in the reader's language."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils import translation
from django.utils.translation import gettext as _

from notifications import kinds
from notifications.kinds import Kind, Template

SHOWN_ACTORS = 3


class Words(NamedTuple):
    title: str
    body: str
    metadata: dict[str, Any]
    actions: list[dict[str, str]]


def words_of(row: Any, *, language: str) -> Words:
    """Return what a row says; it has to have `actor_names`.

    A kind that no app registers any longer reads as it did when it was told, and if it said nothing
    then, in general words. Never raises for what is stored.
    """
    kind = kinds.find(row.kind)
    if row.title and (kind is None or not kind.title):  # most of them: nothing is to be filled
        return Words(row.title, row.body, row.metadata, row.actions)
    with translation.override(language):
        return _filled(row, kind)


def _filled(row: Any, kind: Kind | None) -> Words:
    if kind is None or not kind.has_texts:
        return Words(_("Notification"), row.body, row.metadata, row.actions)
    metadata = kind.upgraded(row.metadata, row.payload_version)
    values = _Values(metadata, row.actor_names, row.group_count)
    actions = row.actions or _own_action(kind, values)
    return Words(_title(kind, values, row.group_count), fill(kind.body, values), metadata, actions)


def _title(kind: Kind, values: "_Values", count: int) -> str:
    template = kind.group_title if count > 1 and kind.group_title else kind.title
    return fill(template, values)


def _own_action(kind: Kind, values: "_Values") -> list[dict[str, str]]:
    if not kind.link:
        return []
    return [{"label": str(kind.link_label) or _("Open"), "url": fill(kind.link, values)}]


def fill(template: Template, values: Mapping[str, str]) -> str:
    return str(template).format_map(values)


class _Values(dict[str, str]):
    """What stands in a template's braces; nothing for what is not there."""

    def __init__(
        self, metadata: Mapping[str, Any], names: Sequence[str | None], count: int
    ) -> None:
        texts = {name: str(value) for name, value in metadata.items()}
        super().__init__({**texts, "actor": actors(names, count), "count": str(count)})

    def __missing__(self, name: str) -> str:
        return ""


def actors(names: Sequence[str | None], count: int) -> str:
    """Return who did it: "Ann", "Ann and Bo", "Ann, Bo and 38 others".

    None is somebody whose account is gone, "" somebody without a name, and nobody at all an
    operator.
    """
    if not names:
        return _("The operators")
    shown = [_("Former member") if name is None else name or _("A member") for name in names]
    if count <= 1 or len(shown) == 1 == count:
        return shown[0]
    if count == 2 and len(shown) == 2:
        return _("{first} and {second}").format(first=shown[0], second=shown[1])
    if len(shown) == 1:
        return shown[0]
    others = count - 2
    if others == 1 and len(shown) > 2:
        return _("{first}, {second} and {third}").format(
            first=shown[0], second=shown[1], third=shown[2]
        )
    return _("{first}, {second} and {others} others").format(
        first=shown[0], second=shown[1], others=others
    )
