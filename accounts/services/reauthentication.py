"""Having shown who one is a moment ago: what steps ask for that can't be taken back.

A stolen access token, or a screen that was left unlocked, is not enough for them.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.errors import ReauthenticationRequiredError, SessionRevokedError
from accounts.models import User, UserSession
from accounts.services import credentials

RECENT = timedelta(minutes=5)


def confirm(*, user: User, session_id: UUID, password: str, now: datetime) -> None:
    """Take a session as authenticated now. Raises InvalidError for a wrong password,
    LimitReachedError, and SessionRevokedError for a session that ended meanwhile.
    """
    credentials.prove(user, password=password, pointer="/password")
    with transaction.atomic():
        if not User.objects.lock_unchanged(user):
            raise credentials.wrong_password("/password")
        session = UserSession.objects.of(user).open(now=now).locked().find(session_id)
        if session is None:
            raise SessionRevokedError
        UserSession.objects.change(session, authenticated_at=now)


def require_recent(*, user_id: UUID | None, session_id: UUID | None, now: datetime) -> None:
    """Raises ReauthenticationRequiredError, but for an operator, whose `user_id` is None.

    A person without a session, who comes by an API key for example, is refused.
    """
    if user_id is None:
        return
    theirs = UserSession.objects.authenticated_since(now - RECENT)
    if session_id is None or not theirs.is_of(session_id, user_id=user_id):
        raise ReauthenticationRequiredError
