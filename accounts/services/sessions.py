"""Signing in, staying signed in, and signing out for good."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from accounts import jwt, passwords
from accounts.errors import (
    DeletionRequestedError,
    EmailNotVerifiedError,
    InvalidCredentialsError,
    SessionRevokedError,
    TokenReusedError,
)
from accounts.events import NewDeviceSeen, RefreshTokenReused, SessionsEnded, SessionStarted
from accounts.models import SESSION_LIFETIME, User, UserSession
from accounts.repositories import UserSessionRepository
from accounts.services import credentials
from core.errors import ConflictError
from core.events import publish

MAX_DEVICE_LENGTH = 200
BATCH_SIZE = 500
REUSED = "refresh token reused"
"""Why a session ended whose refresh token came a second time."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    user: User


def authenticate(*, email: str, password: str) -> User:
    """Return the person whose address and password these are.

    Unknown, wrong and inactive cost the same and look the same. Raises InvalidCredentialsError or
    LimitReachedError; with the right password EmailNotVerifiedError or DeletionRequestedError.
    """
    user = User.objects.by_email(email)
    if not credentials.are_right(email=email, user=user, password=password) or user is None:
        raise InvalidCredentialsError
    if not user.email_verified:
        raise EmailNotVerifiedError
    if user.deletion_due_at:
        raise DeletionRequestedError(due_at=user.deletion_due_at)
    if passwords.is_outdated(user):
        User.objects.replace_hash(user, password=passwords.hashed(password))
    return user


def sign_in(*, email: str, password: str, device: str, ip_address: str, now: datetime) -> TokenPair:
    """Begin a session. Raises what `authenticate` raises."""
    user = authenticate(email=email, password=password)
    with transaction.atomic():
        # Whoever changed the password or the account since then has ended all sessions there were.
        if not User.objects.lock_unchanged(user):
            raise InvalidCredentialsError
        return start_session(user=user, device=device, ip_address=ip_address, now=now)


@transaction.atomic
def start_session_for(*, user_id: UUID, device: str, now: datetime) -> TokenPair:
    """Begin a session on an operator's word. Raises ConflictError for an account that is shut or
    is going to be deleted.
    """
    user = User.objects.locked().by_id(user_id)
    if not user.is_active:
        raise ConflictError(f"{user.email} is deactivated. Reactivate the account first.")
    if user.deletion_due_at:
        raise ConflictError(f"{user.email} is going to be deleted; its owner may cancel that.")
    return start_session(user=user, device=device, ip_address="127.0.0.1", now=now)


@transaction.atomic
def start_session(*, user: User, device: str, ip_address: str, now: datetime) -> TokenPair:
    device = device[:MAX_DEVICE_LENGTH]
    known = UserSession.objects.of(user).devices()
    session = UserSession.objects.add(
        user=user,
        created_at=now,
        refreshed_at=now,
        authenticated_at=now,
        device=device,
        ip_address=ip_address,
        last_seen_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    publish(SessionStarted(user_id=user.pk, session_id=session.pk))
    if known and device not in known:
        publish(NewDeviceSeen(user_id=user.pk, session_id=session.pk))
    return _tokens(session, user, now=now)


def refresh(*, token: str, now: datetime) -> TokenPair:
    """Rotate a refresh token. The one before it gets it again for 10 s (two tabs).

    Any other reuse ends the session. Raises TokenInvalidError, TokenExpiredError,
    SessionRevokedError or TokenReusedError.
    """
    claims = jwt.read(token, "refresh", now=now)
    pair = _rotate(claims.session_id, claims.token_id, now=now)
    if pair is None:  # raised out here, so that the session's end is committed
        raise TokenReusedError
    return pair


@transaction.atomic
def _rotate(session_id: UUID, refresh_id: UUID, *, now: datetime) -> TokenPair | None:
    session = UserSession.objects.with_user().locked().find(session_id)
    if session is None or not session.is_open(now=now) or not session.user.is_active:
        raise SessionRevokedError
    if refresh_id == session.refresh_id:
        UserSession.objects.change(
            session, refresh_id=uuid4(), previous_refresh_id=refresh_id, refreshed_at=now
        )
    elif not session.accepts_previous(refresh_id, now=now):
        _end(session, reason=REUSED, now=now)
        publish(RefreshTokenReused(user_id=session.user_id, session_id=session.pk))
        return None
    return _tokens(session, session.user, now=now)


@transaction.atomic
def end_session(*, session_id: UUID, reason: str, now: datetime) -> None:
    """End one session everywhere. Ending it twice is nothing."""
    session = UserSession.objects.locked().find(session_id)
    if session is not None and session.ended_at is None:
        _end(session, reason=reason, now=now)


@transaction.atomic
def revoke_session(*, user: User, session_id: UUID, now: datetime) -> None:
    """End one of the person's own open sessions. Raises NotFoundError for any other."""
    session = UserSession.objects.of(user).open(now=now).locked().by_id(session_id)
    _end(session, reason="revoked", now=now)


def end_every_session(*, user: User, reason: str, now: datetime) -> int:
    """End all of a person's sessions; return how many were open."""
    return _end_all(user, UserSession.objects.of(user), reason=reason, now=now)


def end_other_sessions(*, user: User, kept: UUID, reason: str, now: datetime) -> int:
    """End all of a person's sessions but one; return how many were open."""
    others = UserSession.objects.of(user).other_than(kept)
    return _end_all(user, others, reason=reason, now=now)


def end_everybodys_sessions(*, reason: str, now: datetime) -> int:
    """End every session that is open now, one person at a time; return how many there were.

    Not one transaction: when it is interrupted, a second call ends what is left.
    """
    begun = UserSession.objects.open(now=now).begun_by(now)
    count = 0
    while owners := begun.owners(BATCH_SIZE):
        for user in User.objects.among(owners):
            count += _end_all(user, begun.of(user), reason=reason, now=now)
    return count


def count_open(*, user: User | None, now: datetime) -> int:
    """Count the open sessions of a person; of everybody for None."""
    open_ones = UserSession.objects.open(now=now)
    return (open_ones.of(user) if user else open_ones).count()


@transaction.atomic
def _end_all(user: User, which: UserSessionRepository, *, reason: str, now: datetime) -> int:
    ended = which.end_all(reason=reason, now=now)
    publish(SessionsEnded(user_id=user.pk, session_ids=ended, reason=reason))
    return len(ended)


def _end(session: UserSession, *, reason: str, now: datetime) -> None:
    UserSession.objects.change(session, ended_at=now, end_reason=reason)
    publish(SessionsEnded(user_id=session.user_id, session_ids=(session.pk,), reason=reason))


def _tokens(session: UserSession, user: User, *, now: datetime) -> TokenPair:
    access = jwt.mint_access(user_id=user.pk, session_id=session.pk, now=now)
    refresh = jwt.mint(
        "refresh",
        user_id=user.pk,
        session_id=session.pk,
        token_id=session.refresh_id,
        now=session.refreshed_at,
    )
    return TokenPair(access=access, refresh=refresh, user=user)
