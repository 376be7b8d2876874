"""Who wants what where: one pure rule, asked for every notification, mail and push."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from notifications.kinds import Channel, Kind


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one kind on one channel; None where nothing was."""

    in_organization: bool | None = None
    everywhere: bool | None = None
    by_organization: bool | None = None
    """What the organization has for members who said nothing."""


def is_wanted(kind: Kind, channel: str, said: Said) -> bool:
    """Required, then one's own word for the organization, one's own for everywhere, the
    organization's default, the kind's: the first that says something decides.
    """
    if kind.is_required and channel in kind.channels:
        return True
    for word in (said.in_organization, said.everywhere, said.by_organization):
        if word is not None:
            return word
    return channel in kind.channels


Key = tuple[str, UUID | None]
"""Channel and organization of a preference."""


def channels_of(
    kind: Kind,
    own: Mapping[Key, bool],
    defaults: Mapping[str, bool],
    organization_id: UUID | None,
) -> frozenset[str]:
    """Return the channels on which somebody wants a kind, by what they and an organization said."""

    def said(channel: str) -> Said:
        here = own.get((channel, organization_id)) if organization_id else None
        return Said(here, own.get((channel, None)), defaults.get(channel))

    return frozenset(c.value for c in Channel if is_wanted(kind, c.value, said(c.value)))
