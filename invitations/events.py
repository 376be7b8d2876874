"""What happens to invitations, as facts that others may react to.

`actor_id` is who did it; None stands for an operator, for the owner of the address who has no
account, or for the passing of time. `email` is masked.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class InvitationCreated:
    """Somebody is invited, and the mail is about to be sent."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationChanged:
    """A pending invitation offers another role or says something else."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: tuple[str, str]
    """Before and after, and alike where only the message changed."""


@dataclass(frozen=True, slots=True)
class InvitationResent:
    """A new mail is about to be sent; the link in the one before works no longer."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationMailed:
    """The mail server took the mail."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationRevoked:
    """It was taken back; without an actor where something else made it pointless."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationPreviewed:
    """Somebody who holds the link looked, or their mail program did; told once an hour at most."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationExpired:
    """Its days are over, which holds since `expires_at`, and is told of some minutes later; again
    where it was sent again and ran out again."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationAccepted:
    """`actor_id` is who joined. Who belonged already kept their role, whatever this one was."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class OfferedRoleMissed:
    """Somebody wanted to join, and the role they are offered was deleted. Nothing was changed."""

    organization_id: UUID
    offer_id: UUID
    """Of the invitation, or of the link."""
    email: str
    """Whom it invites; empty for a link."""


@dataclass(frozen=True, slots=True)
class InvitationDeclined:
    """The owner of the address does not want to join."""

    organization_id: UUID
    invitation_id: UUID
    actor_id: UUID | None
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class InvitationPolicyChanged:
    """Each pair is (before, after)."""

    organization_id: UUID
    actor_id: UUID | None
    allowed_domains: tuple[tuple[str, ...], tuple[str, ...]]
    denied_domains: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class InvitationBlockLifted:
    """An operator lets an organization invite an address again. It is told to nobody there: it was
    never told of the block."""

    organization_id: UUID
    block_id: UUID
    actor_id: UUID | None
    email: str


@dataclass(frozen=True, slots=True)
class InvitationLinkCreated:
    """Somebody made a link that many may use."""

    organization_id: UUID
    link_id: UUID
    actor_id: UUID | None
    role: str
    max_uses: int


@dataclass(frozen=True, slots=True)
class InvitationLinkRotated:
    """It has a new address; the one before works no longer."""

    organization_id: UUID
    link_id: UUID
    actor_id: UUID | None
    role: str


@dataclass(frozen=True, slots=True)
class InvitationLinkRevoked:
    """It was taken back. Who joined by it stays."""

    organization_id: UUID
    link_id: UUID
    actor_id: UUID | None
    role: str


@dataclass(frozen=True, slots=True)
class InvitationLinkUsed:
    """`actor_id` joined by it."""

    organization_id: UUID
    link_id: UUID
    actor_id: UUID | None
    role: str
