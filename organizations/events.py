"""What happens to organizations and their members, as facts that others may react to.

`actor_id` is who did it; None stands for an operator, or for the passing of time.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrganizationCreated:
    """An organization exists, and its first owner with it."""

    organization_id: UUID
    actor_id: UUID | None
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class OrganizationChanged:
    """Name or slug changed; each pair is (before, after), and alike where nothing changed."""

    organization_id: UUID
    actor_id: UUID | None
    name: tuple[str, str]
    slug: tuple[str, str]


@dataclass(frozen=True, slots=True)
class OrganizationDeleted:
    """Nobody reaches it from now on; it can be restored until `due_at`."""

    organization_id: UUID
    actor_id: UUID | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class OrganizationRestored:
    """A deleted organization is back, with members and roles as they were."""

    organization_id: UUID
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class OrganizationPurged:
    """The organization goes for good in this transaction: forget what you keep of it."""

    organization_id: UUID


@dataclass(frozen=True, slots=True)
class OrganizationSuspended:
    """An operator stopped it: it can be read, and nothing in it can be changed."""

    organization_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class OrganizationReinstated:
    """An operator lifted a suspension."""

    organization_id: UUID


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody belongs from now on; `restored` if they had belonged before."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID
    role: str
    restored: bool


@dataclass(frozen=True, slots=True)
class MemberRoleChanged:
    """A member has another role, from the next request on."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID
    role: tuple[str, str]
    """Before and after."""


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """Somebody belongs no longer, from the next request on; `left` if it was their own wish."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID
    left: bool


@dataclass(frozen=True, slots=True)
class MemberSuspended:
    """Somebody keeps their place and role, and has no access until they are reinstated."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID


@dataclass(frozen=True, slots=True)
class MemberReinstated:
    """A suspended member has access again, in the role they had."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID


@dataclass(frozen=True, slots=True)
class CustomRoleCreated:
    """An organization made a role of its own."""

    organization_id: UUID
    actor_id: UUID | None
    role: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomRoleChanged:
    """Each pair is (before, after)."""

    organization_id: UUID
    actor_id: UUID | None
    role: str
    name: tuple[str, str]
    permissions: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CustomRoleDeleted:
    """A custom role is gone; who held it has `reassigned_to` now, None when nobody held it."""

    organization_id: UUID
    actor_id: UUID | None
    role: str
    reassigned_to: str | None


@dataclass(frozen=True, slots=True)
class OwnershipOffered:
    """An owner asks another member to take the ownership, until `expires_at`."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    """`user_id` is an owner now, and `actor_id`, who offered it, an admin."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID


@dataclass(frozen=True, slots=True)
class OwnershipOfferCancelled:
    """The offer is over without having been accepted."""

    organization_id: UUID
    actor_id: UUID | None
    user_id: UUID
