"""Moving an account to another address, and back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.errors import SessionRevokedError
from accounts.models import User, UserSession
from accounts.services import address_change, password, sessions
from accounts.services.address_change import REVERT, AddressTakenError
from accounts.services.password import CHANGE_ADDRESS
from core import tokens
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.mails import newest_secret, queued

CHANGE = "/api/v1/auth/email/change"
CONFIRM = "/api/v1/auth/email/confirm"
BACK = "/api/v1/auth/email/revert"
ME = "/api/v1/users/me"
NEW = "new@example.org"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def request(user: User, now: datetime, email: str = NEW) -> str:
    address_change.request(user=user, email=email, password=PASSWORD, now=now)
    return newest_secret(user.pk, CHANGE_ADDRESS)


def moved(user: User, now: datetime) -> str:
    """Move the account; return the way back."""
    address_change.confirm(token=request(user, now), now=now)
    return newest_secret(user.pk, REVERT)


def spend(client: ApiClient, path: str, token: str) -> Any:
    return client.send("POST", path, {"token": token})


def test_the_old_address_works_until_the_new_one_is_proved(api: ApiClient, user: User) -> None:
    asked = api.send("POST", CHANGE, {"email": " New@EXAMPLE.org", "password": PASSWORD})

    assert asked.status_code == 202  # ACC 29
    assert api.read(ME)["email"] == "uma@example.com"
    token = newest_secret(user.pk, CHANGE_ADDRESS)
    assert spend(ApiClient(), CONFIRM, token).status_code == 204
    assert api.read(ME)["email"] == "New@example.org"
    assert User.objects.by_email("new@example.org") == user
    assert User.objects.by_email("uma@example.com") is None


@pytest.mark.parametrize(
    ("email", "typed", "pointer"),
    [
        (NEW, "not my password", "/password"),
        ("no address", PASSWORD, "/email"),
        ("UMA@example.com", PASSWORD, "/email"),
        (f"{'a' * 250}@example.com", PASSWORD, "/email"),
    ],
)
def test_a_refused_request_tells_why(
    api: ApiClient, user: User, email: str, typed: str, pointer: str
) -> None:
    refused = api.send("POST", CHANGE, {"email": email, "password": typed})

    assert refused.status_code == 400
    assert problem(refused)["errors"][0]["pointer"] == pointer
    assert not MailedToken.objects.about(user.pk).exists()


def test_an_address_in_use_is_not_told(api: ApiClient, user: User, stranger: User) -> None:
    asked = api.send("POST", CHANGE, {"email": stranger.email, "password": PASSWORD})

    assert asked.status_code == 202
    token = newest_secret(user.pk, CHANGE_ADDRESS)
    refused = spend(ApiClient(), CONFIRM, token)
    assert (refused.status_code, problem(refused)["code"]) == (409, "conflict")  # ACC 29


def test_a_conflict_leaves_the_link_unspent(user: User, stranger: User, now: datetime) -> None:
    token = request(user, now, stranger.email)

    with pytest.raises(AddressTakenError):
        address_change.confirm(token=token, now=now)

    assert tokens.look_up(purpose=CHANGE_ADDRESS, secret=token, now=now)


def test_whoever_proves_an_address_first_has_it(user: User, now: datetime) -> None:
    make_user(NEW, verified=False)  # ACC 2, 29: a registration that nobody proved blocks nobody

    address_change.confirm(token=request(user, now), now=now)

    assert User.objects.by_email(NEW) == user


def test_a_pending_change_blocks_no_registration(
    user: User, now: datetime, anonymous: ApiClient
) -> None:
    request(user, now)

    body = {"email": NEW, "password": "another quiet lamp post"}
    assert anonymous.send("POST", "/api/v1/auth/register", body).status_code == 202  # ACC 29
    assert User.objects.by_email(NEW) is not None


def test_a_newer_request_ends_the_one_before(user: User, now: datetime) -> None:
    first = request(user, now)
    request(user, now, "third@example.org")

    assert problem(spend(ApiClient(), CONFIRM, first))["code"] == "token_superseded"


def test_a_link_is_over_when_the_address_changed_meanwhile(user: User, now: datetime) -> None:
    token = request(user, now)
    User.objects.change(user, email="c@example.com", email_normalized="c@example.com")

    assert spend(ApiClient(), CONFIRM, token).status_code == 410  # ACC 7


def test_going_back_ends_every_session_and_offers_a_new_password(user: User, now: datetime) -> None:
    back = moved(user, now)
    pair = sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)

    assert spend(ApiClient(), BACK, back).status_code == 204  # ACC 29

    after = User.objects.by_id(user.pk)
    assert (after.email, after.email_verified) == ("uma@example.com", True)
    with pytest.raises(SessionRevokedError):
        sessions.refresh(token=pair.refresh, now=now)
    assert newest_secret(user.pk, password.RESET)


def test_the_way_back_is_open_for_72_hours(user: User, now: datetime) -> None:
    back = moved(user, now)

    with time_machine.travel(now + timedelta(hours=72)):
        assert problem(spend(ApiClient(), BACK, back))["code"] == "token_expired"


def test_moving_twice_takes_nobodys_way_back(user: User, now: datetime) -> None:
    first_way_back = moved(user, now)
    user.refresh_from_db()
    address_change.confirm(token=request(user, now, "third@example.org"), now=now)

    assert spend(ApiClient(), BACK, first_way_back).status_code == 204

    assert User.objects.by_id(user.pk).email == "uma@example.com"


def test_the_way_back_is_shut_when_somebody_has_the_address(user: User, now: datetime) -> None:
    back = moved(user, now)
    make_user("uma@example.com")

    assert spend(ApiClient(), BACK, back).status_code == 409


def test_both_mails_wait_for_a_worker(user: User, now: datetime) -> None:
    moved(user, now)

    assert len(queued("accounts.tasks:mail_link")) == 2


def test_a_moved_account_keeps_its_sessions(api: ApiClient, user: User, now: datetime) -> None:
    moved(user, now)

    assert api.read(ME)["email"] == NEW
    assert UserSession.objects.of(user).open(now=now).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_take_one_address_at_once_get_it_once() -> None:
    now = timezone.now()
    people = [make_user(f"u{number}@example.com") for number in range(8)]
    links = [request(person, now) for person in people]

    def confirm(token: str) -> int:
        try:
            return int(spend(ApiClient(), CONFIRM, token).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(confirm, links))

    assert answers == [204] + [409] * 7
