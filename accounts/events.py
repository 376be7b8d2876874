"""What happens to accounts, as facts that others may react to."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """A link that proves an address has to be mailed."""

    user_id: UUID
    token_id: UUID


@dataclass(frozen=True, slots=True)
class RegisteredAgain:
    """Somebody registered with an address whose owner has an account; only the owner is told."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class EmailVerified:
    user_id: UUID


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    user_id: UUID
    session_ids: tuple[UUID, ...]
    """The open sessions, whose cached copies of the profile are now stale."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    user_id: UUID
    session_ids: tuple[UUID, ...]
    reason: str
