"""What happens to accounts, as facts that others may react to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LinkRequested:
    """A link is to be mailed; to whom and about what, if at all, its token decides."""

    token_id: UUID


@dataclass(frozen=True, slots=True)
class EmailVerified:
    user_id: UUID


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The person chose a new password, knowing the old one or by a mailed link."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The account moved to another address, or back."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
    """The open sessions, whose cached copies of the address are now stale."""


@dataclass(frozen=True, slots=True)
class AccountDeletionRequested:
    """The person wants their account deleted. Refuse by raising a ConflictError."""

    user_id: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True)
class AccountDeletionCancelled:
    user_id: UUID


@dataclass(frozen=True, slots=True)
class AccountDeleted:
    """The account goes for good in this transaction: forget what you keep of the person."""

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
class NewDeviceSeen:
    """A session began on a device that the person has not signed in on before."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class RefreshTokenReused:
    """A refresh token came a second time, so that two hold it; its session was ended."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    user_id: UUID
    session_ids: tuple[UUID, ...]
    reason: str
