"""Deleting one's account, and thinking better of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.events import AccountDeletionRequested
from accounts.models import User, UserSession
from accounts.prunes import purge_accounts
from accounts.services import deletion, sessions
from accounts.services.deletion import CANCEL, GRACE
from core import events
from core.errors import ConflictError
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.mails import newest_secret

ME = "/api/v1/users/me"
SIGN_IN = "/api/v1/auth/token"
CANCEL_PATH = "/api/v1/auth/deletion/cancel"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def sign_in(typed: str = PASSWORD) -> Any:
    return ApiClient().send("POST", SIGN_IN, {"email": "uma@example.com", "password": typed})


def request(user: User, now: datetime) -> None:
    deletion.request(user=user, password=PASSWORD, now=now)


def test_the_account_goes_in_14_days_and_its_sessions_now(api: ApiClient, user: User) -> None:
    assert api.send("DELETE", ME, {"password": PASSWORD}).status_code == 204  # ACC 35

    assert problem(api.send("GET", ME))["code"] == "session_revoked"
    due = User.objects.by_id(user.pk).deletion_due_at
    assert due is not None
    assert timedelta(days=13) < due - timezone.now() <= GRACE


def test_it_takes_the_password(api: ApiClient, user: User) -> None:
    refused = api.send("DELETE", ME, {"password": "not my password"})

    assert problem(refused)["errors"][0]["pointer"] == "/password"
    assert api.read(ME)["email"] == user.email


def test_signing_in_offers_to_keep_it_and_keeps_nothing_by_itself(
    user: User, now: datetime
) -> None:
    request(user, now)

    refused = sign_in()  # ACC 35

    assert (refused.status_code, problem(refused)["code"]) == (403, "deletion_requested")
    assert User.objects.by_id(user.pk).deletion_due_at is not None
    assert problem(sign_in("not my password"))["code"] == "invalid_credentials"


def test_it_is_kept_by_password(user: User, now: datetime) -> None:
    request(user, now)
    body = {"email": "Uma@example.com", "password": PASSWORD}

    assert ApiClient().send("POST", CANCEL_PATH, body).status_code == 204

    assert sign_in().status_code == 200
    assert not MailedToken.objects.about(user.pk).unspent().exists()
    assert ApiClient().send("POST", CANCEL_PATH, body).status_code == 204


def test_a_wrong_password_keeps_nothing(user: User, now: datetime) -> None:
    request(user, now)

    refused = ApiClient().send(
        "POST", CANCEL_PATH, {"email": user.email, "password": "not my password"}
    )

    assert problem(refused)["code"] == "invalid_credentials"
    assert sign_in().status_code == 403


def test_it_is_kept_by_mail(user: User, now: datetime) -> None:
    request(user, now)

    deletion.cancel(token=newest_secret(user.pk, CANCEL), now=now)

    assert sign_in().status_code == 200


def test_asking_twice_delays_nothing(user: User, now: datetime) -> None:
    request(user, now)
    request(user, now + timedelta(days=3))

    assert User.objects.by_id(user.pk).deletion_due_at == now + GRACE


def test_whoever_reacts_may_refuse(user: User, now: datetime, monkeypatch: Any) -> None:
    def refuse(event: AccountDeletionRequested) -> None:
        raise ConflictError

    monkeypatch.setitem(events._handlers, AccountDeletionRequested, [refuse])  # ACC 34
    pair = sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)

    with pytest.raises(ConflictError):
        request(user, now)

    assert User.objects.by_id(user.pk).deletion_due_at is None
    assert sessions.refresh(token=pair.refresh, now=now)


def test_when_the_time_is_up_nothing_is_left(user: User, now: datetime) -> None:
    sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)
    request(user, now)

    assert purge_accounts(now + GRACE - timedelta(seconds=1), False) == 0
    assert purge_accounts(now + GRACE, True) == 1
    assert purge_accounts(now + GRACE, False) == 1  # ACC 35
    assert purge_accounts(now + GRACE, False) == 0

    assert User.objects.find(user.pk) is None
    assert not UserSession.objects.exists()
    assert not MailedToken.objects.about(user.pk).exists()
    assert make_user("uma@example.com").pk != user.pk  # the address is free again


def test_those_who_stay_stay(user: User, stranger: User, now: datetime) -> None:
    request(stranger, now)

    purge_accounts(now + GRACE, False)

    assert list(User.objects.all()) == [user]
