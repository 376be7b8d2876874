"""Showing once more who one is, before a step that can't be taken back."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from accounts import jwt, passwords
from accounts.errors import ReauthenticationRequiredError, SessionRevokedError
from accounts.models import User, UserSession
from accounts.services import reauthentication, sessions
from core.errors import InvalidError
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD

REAUTHENTICATE = "/api/v1/auth/reauthenticate"
SIGN_IN = "/api/v1/auth/token"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def begin(user: User, now: datetime) -> UUID:
    pair = sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)
    return jwt.read(pair.access, "access", now=now).session_id


def is_recent(user: User, session_id: UUID | None, now: datetime) -> bool:
    try:
        reauthentication.require_recent(user_id=user.pk, session_id=session_id, now=now)
    except ReauthenticationRequiredError:
        return False
    return True


def confirm(client: ApiClient, password: str = PASSWORD) -> Any:
    return client.send("POST", REAUTHENTICATE, {"password": password})


def test_signing_in_counts_for_five_minutes(user: User, now: datetime) -> None:  # ACC 26
    session_id = begin(user, now)

    assert is_recent(user, session_id, now + timedelta(minutes=5))
    assert not is_recent(user, session_id, now + timedelta(minutes=5, seconds=1))


def test_the_password_makes_it_recent_again(user: User, now: datetime) -> None:  # ACC 26
    with time_machine.travel(now - timedelta(minutes=6), tick=False):
        client = ApiClient()
        client.sign_in(user)
    session_id = UserSession.objects.of(user).get().pk
    assert not is_recent(user, session_id, now)

    with time_machine.travel(now, tick=False):
        assert confirm(client).status_code == 204

    assert is_recent(user, session_id, now + timedelta(minutes=5))


def test_one_session_speaks_for_no_other(user: User, stranger: User, now: datetime) -> None:
    old, fresh = begin(user, now - timedelta(hours=1)), begin(user, now)

    assert is_recent(user, fresh, now)
    assert not is_recent(user, old, now)
    assert not is_recent(user, begin(stranger, now), now)
    assert not is_recent(user, None, now)


def test_an_operator_is_not_asked(now: datetime) -> None:
    reauthentication.require_recent(user_id=None, session_id=None, now=now)


def test_a_session_of_an_older_release_is_not_recent(user: User, now: datetime) -> None:
    session_id = begin(user, now)
    UserSession.objects.filter(pk=session_id).update(authenticated_at=None)

    assert not is_recent(user, session_id, now)


def test_a_wrong_password_is_told_at_its_field(api: ApiClient, user: User) -> None:
    before = UserSession.objects.of(user).get().authenticated_at

    refused = problem(confirm(api, "not my password"))

    assert (refused["status"], refused["errors"][0]["pointer"]) == (400, "/password")
    assert UserSession.objects.of(user).get().authenticated_at == before


def test_failures_count_with_those_of_signing_in(api: ApiClient, user: User) -> None:  # ACC 18
    failures = [confirm(api, "not my password").status_code for _ in range(5)]

    locked = confirm(api)
    elsewhere = ApiClient().send("POST", SIGN_IN, {"email": user.email, "password": PASSWORD})

    assert failures == [400] * 5
    assert locked.status_code == elsewhere.status_code == 429
    assert int(locked["Retry-After"]) >= 1


def test_it_takes_a_session(anonymous: ApiClient, user: User) -> None:
    assert confirm(anonymous).status_code == 401


def test_a_session_that_ended_meanwhile_stays_ended(user: User, now: datetime) -> None:
    session_id = begin(user, now)
    sessions.end_session(session_id=session_id, reason="test", now=now)

    with pytest.raises(SessionRevokedError):
        reauthentication.confirm(user=user, session_id=session_id, password=PASSWORD, now=now)


def test_a_password_that_changed_meanwhile_is_not_the_password(user: User, now: datetime) -> None:
    session_id = begin(user, now - timedelta(hours=1))
    User.objects.filter(pk=user.pk).update(password=passwords.hashed("another lamp post"))

    with pytest.raises(InvalidError):  # `user` was read before, and the old password fits it
        reauthentication.confirm(user=user, session_id=session_id, password=PASSWORD, now=now)

    assert not is_recent(user, session_id, now)
