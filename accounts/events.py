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
    """The person opened a link that was mailed to the address: it is theirs."""

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
    """The account stays: its deletion was taken back within the 14 days."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class AccountDeleted:
    """The account goes for good in this transaction: forget what you keep of the person."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class AccountDeactivated:
    """An operator shut the account: nobody can sign in to it."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class AccountReactivated:
    """An operator opened an account again that was shut."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The person changed name, language or time zone."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
    """The open sessions, whose cached copies of the profile are now stale."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """Somebody signed in, or an operator began a session for them."""

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
    """Sessions are over, and their tokens are worth nothing from the next request on."""

    user_id: UUID
    session_ids: tuple[UUID, ...]
    reason: str
    """Words for logs and operators, such as "signed out" or "password changed"."""
