"""What happens to accounts, as facts that others may react to."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """Somebody asks to prove an address; what is mailed, if anything, the token decides."""

    token_id: UUID


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
