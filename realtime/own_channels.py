"""The channels that come with us: one's own, an organization's two, and everybody's."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.postgres import row_security
from invitations.permissions import READ as READ_INVITATIONS
from organizations.errors import OrganizationSuspendedError
from organizations.models import Membership
from organizations.permissions import READ_MEMBERS
from realtime import channels
from realtime.batches import Batch
from realtime.channels import Closed, Kind, Leave
from realtime.people import Person

Pair = tuple[UUID, UUID]

SUSPENDED = Closed(
    OrganizationSuspendedError.code,
    "This organization is suspended: its channels are closed until that is lifted.",
)
ABOUT_MEMBERS = frozenset({"member", "ownership", "role"})
"""What is told only to those who may see who belongs: the first words of events."""


def _entries(pairs: Sequence[Pair]) -> Mapping[Pair, Membership]:
    with row_security.everywhere():
        return Membership.objects.entries(pairs)


_memberships: Batch[Pair, Membership] = Batch(_entries)
"""What lets each (user, organization) in."""


async def _own(person: Person, key: str) -> Leave | None:
    return Leave() if not key else None


async def _everybody(person: Person, key: str) -> Leave | None:
    return Leave() if not key else None


async def _of_organization(person: Person, key: str) -> Leave | Closed | None:
    membership = await _membership(person, key)
    if membership is None:
        return None
    if membership.organization.is_suspended:
        return SUSPENDED
    sees_people = READ_MEMBERS in membership.permissions()
    return Leave(
        since=membership.joined_at,
        without=frozenset() if sees_people else ABOUT_MEMBERS,
        sees_people=sees_people,
    )


async def _of_invitations(person: Person, key: str) -> Leave | Closed | None:
    membership = await _membership(person, key)
    if membership is None or READ_INVITATIONS not in membership.permissions():
        return None
    if membership.organization.is_suspended:
        return SUSPENDED
    return Leave(since=membership.joined_at)


async def _membership(person: Person, key: str) -> Membership | None:
    try:
        organization_id = UUID(key)
    except ValueError:
        return None
    if str(organization_id) != key:
        return None
    return await _memberships.get((person.user_id, organization_id))


def register() -> None:
    channels.register(Kind("user", _own, meaning="What concerns you. Joined from the start."))
    channels.register(
        Kind(
            "organization",
            _of_organization,
            has_presence=True,
            meaning="What concerns everybody in an organization, since the day they joined it.",
            key="The organization's id.",
        )
    )
    channels.register(
        Kind(
            "invitations",
            _of_invitations,
            meaning="What becomes of an organization's invitations, for those who may see them.",
            key="The organization's id.",
        )
    )
    channels.register(Kind("system", _everybody, meaning="What concerns everybody."))
