from datetime import datetime

from django.db import transaction

from accounts.events import ProfileChanged
from accounts.models import User, UserSession
from core.events import publish


@transaction.atomic
def change_profile(*, user: User, now: datetime, **fields: str) -> User:
    """Write the given fields of `full_name`, `language`, `time_zone`; without any, nothing."""
    if not fields:
        return user
    current = User.objects.locked().by_id(user.pk)
    User.objects.change(current, **fields)
    open_sessions = UserSession.objects.of(current).open(now=now).ids()
    publish(ProfileChanged(user_id=current.pk, session_ids=open_sessions))
    return current
