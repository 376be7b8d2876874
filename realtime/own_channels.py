"""The channels that come with us: one's own, an organization's, and everybody's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from organizations.models import Membership
from realtime import channels
from realtime.batches import Batch
from realtime.channels import Kind, Leave
from realtime.people import Person

Pair = tuple[UUID, UUID]


def _joined(pairs: Sequence[Pair]) -> Mapping[Pair, datetime]:
    return Membership.objects.joined_at(pairs)


_memberships: Batch[Pair, datetime] = Batch(_joined)
"""Since when each (user, organization) of a present organization is one."""


async def _own(person: Person, key: str) -> Leave | None:
    return Leave() if not key else None


async def _of_organization(person: Person, key: str) -> Leave | None:
    try:
        organization_id = UUID(key)
    except ValueError:
        return None
    since = await _memberships.get((person.user_id, organization_id))
    return Leave(since=since) if since and str(organization_id) == key else None


async def _everybody(person: Person, key: str) -> Leave | None:
    return Leave() if not key else None


def register() -> None:
    channels.register(Kind("user", _own, meaning="What concerns you. Joined from the start."))
    channels.register(
        Kind(
            "organization",
            _of_organization,
            meaning="What concerns everybody in an organization, since the day they joined it.",
            key="The organization's id.",
        )
    )
    channels.register(Kind("system", _everybody, meaning="What concerns everybody."))
