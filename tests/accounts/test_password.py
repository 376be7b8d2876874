"""Forgotten, reset and changed passwords."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from django.utils import timezone

from accounts import passwords
from accounts.models import User, UserSession
from accounts.services import password, registration, sessions
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.mails import newest_secret, queued

FORGOT = "/api/v1/auth/password/forgot"
RESET = "/api/v1/auth/password/reset"
CHANGE = "/api/v1/auth/password/change"
SIGN_IN = "/api/v1/auth/token"
ME = "/api/v1/users/me"
OTHER = "another quiet lamp post"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def forget(user: User, now: datetime) -> str:
    password.forget(email=user.email, now=now)
    return newest_secret(user.pk, password.RESET)


def sign_in(client: ApiClient, typed: str, email: str = "uma@example.com") -> int:
    answer = client.send("POST", SIGN_IN, {"email": email, "password": typed})
    return int(answer.status_code)


def reset(client: ApiClient, token: str, typed: str = OTHER) -> Any:
    return client.send("POST", RESET, {"token": token, "password": typed})


def change(client: ApiClient, current: str, new: str) -> Any:
    return client.send("POST", CHANGE, {"current_password": current, "new_password": new})


def test_a_forgotten_password_is_replaced_by_mail(anonymous: ApiClient, user: User) -> None:
    assert anonymous.send("POST", FORGOT, {"email": " UMA@example.com"}).status_code == 202

    assert reset(anonymous, newest_secret(user.pk, password.RESET)).status_code == 204

    assert sign_in(anonymous, OTHER) == 200
    assert sign_in(anonymous, PASSWORD) == 401


@pytest.mark.parametrize("state", ["unknown", "unproved", "inactive", "leaving", "there"])
def test_the_answer_tells_nothing_of_the_account(
    anonymous: ApiClient, state: str, now: datetime
) -> None:
    if state != "unknown":
        user = make_user("uma@example.com", verified=state != "unproved")
        User.objects.change(user, is_active=state != "inactive")
        User.objects.change(user, deletion_due_at=now if state == "leaving" else None)

    response = anonymous.send("POST", FORGOT, {"email": "uma@example.com"})  # ACC 10

    assert (response.status_code, orjson.loads(response.content)) == (
        202,
        {"detail": "If the address can be used, a mail with the next step is on its way."},
    )


def test_nobody_is_mailed_but_an_account_that_is_open(db: None, user: User, now: datetime) -> None:
    User.objects.change(user, is_active=False)

    password.forget(email=user.email, now=now)
    password.forget(email="nobody@example.com", now=now)

    assert not MailedToken.objects.of(password.RESET, user.pk).exists()


def test_five_an_hour_and_no_more(anonymous: ApiClient) -> None:
    spellings = ["u.ma@example.com", "uma+1@example.com", "UMA@example.com", "uma@example.com"]
    answers = [
        anonymous.send("POST", FORGOT, {"email": email}) for email in [*spellings, *spellings[:2]]
    ]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) >= 1


def test_a_reset_ends_every_session_and_every_other_link(
    anonymous: ApiClient, user: User, now: datetime
) -> None:
    pair = sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)
    registration.resend_verification(email=user.email, now=now)
    token = forget(user, now)

    assert reset(anonymous, token).status_code == 204  # ACC 12

    bearer = {"authorization": f"Bearer {pair.access}"}
    assert problem(anonymous.send("GET", ME, **bearer))["code"] == "session_revoked"
    body = {"refresh": pair.refresh}
    assert anonymous.send("POST", "/api/v1/auth/token/refresh", body).status_code == 401
    assert not MailedToken.objects.about(user.pk).unspent().exists()


def test_a_reset_proves_the_address_and_changes_nothing_else(
    anonymous: ApiClient, now: datetime
) -> None:
    user = make_user("new@example.com", verified=False)

    assert reset(anonymous, forget(user, now)).status_code == 204  # ACC 13

    after = User.objects.by_id(user.pk)
    assert after.email_verified
    assert (after.email, after.full_name) == (user.email, user.full_name)


def test_a_weak_password_leaves_the_link_unspent(
    anonymous: ApiClient, user: User, now: datetime
) -> None:
    token = forget(user, now)

    refused = reset(anonymous, token, "short")  # ACC 11

    assert refused.status_code == 400
    assert problem(refused)["errors"][0]["pointer"] == "/password"
    assert reset(anonymous, token).status_code == 204


def test_a_link_works_once_and_a_newer_one_ends_it(
    anonymous: ApiClient, user: User, now: datetime
) -> None:
    first, second = forget(user, now), forget(user, now)

    assert problem(reset(anonymous, first))["code"] == "token_superseded"
    assert reset(anonymous, second).status_code == 204
    assert problem(reset(anonymous, second, "yet another lamp post"))["code"] == "token_used"


def test_a_link_lives_an_hour(anonymous: ApiClient, user: User, now: datetime) -> None:
    token = forget(user, now)

    with time_machine.travel(now + timedelta(hours=1)):
        assert problem(reset(anonymous, token))["code"] == "token_expired"


def test_a_link_of_another_purpose_is_refused_and_kept(anonymous: ApiClient, now: datetime) -> None:
    user = make_user("new@example.com", verified=False)
    verify = newest_secret(user.pk, registration.PURPOSE)

    refused = reset(anonymous, verify)  # ACC 8

    assert problem(refused)["code"] == "token_unknown"
    accepted = anonymous.send("POST", "/api/v1/auth/verify-email", {"token": verify})
    assert accepted.status_code == 204


def test_a_link_dies_with_the_address_it_was_mailed_to(
    anonymous: ApiClient, user: User, now: datetime
) -> None:
    token = forget(user, now)
    User.objects.change(user, email="b@example.com", email_normalized="b@example.com")

    assert problem(reset(anonymous, token))["code"] == "token_superseded"  # ACC 7


def test_a_link_of_an_account_that_was_shut_is_over(
    anonymous: ApiClient, user: User, now: datetime
) -> None:
    token = forget(user, now)
    User.objects.change(user, is_active=False)

    assert reset(anonymous, token).status_code == 410


@pytest.mark.parametrize(
    "typed", ["a" * 4097, "with \0 in the middle", PASSWORD, "uma@example.com!"]
)
def test_what_can_not_be_chosen_is_told(
    anonymous: ApiClient, user: User, now: datetime, typed: str
) -> None:
    refused = reset(anonymous, forget(user, now), typed)  # ACC 15

    assert refused.status_code == 400
    assert problem(refused)["errors"][0]["pointer"] == "/password"


def test_a_change_keeps_this_session_and_ends_the_others(
    api: ApiClient, user: User, now: datetime
) -> None:
    other = sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)

    assert change(api, PASSWORD, OTHER).status_code == 204  # ACC 14

    assert api.read(ME)["email"] == user.email
    stranger = ApiClient(HTTP_AUTHORIZATION=f"Bearer {other.access}")
    assert problem(stranger.send("GET", ME))["code"] == "session_revoked"
    assert UserSession.objects.of(user).open(now=now).count() == 1
    assert passwords.matches(User.objects.by_id(user.pk), OTHER)


def test_a_change_ends_the_links_of_whoever_knew_the_old_one(
    api: ApiClient, user: User, now: datetime
) -> None:
    forget(user, now)

    change(api, PASSWORD, OTHER)

    assert not MailedToken.objects.about(user.pk).unspent().exists()


def test_a_wrong_current_password_is_told_and_counted(api: ApiClient, user: User) -> None:
    answers = [change(api, "not my password", OTHER) for _ in range(5)]  # ACC 14

    assert {answer.status_code for answer in answers} == {400}
    assert problem(answers[0])["errors"][0]["pointer"] == "/current_password"
    assert change(api, PASSWORD, OTHER).status_code == 429
    assert sign_in(ApiClient(), PASSWORD) == 429


@pytest.mark.parametrize("new", [PASSWORD, "short", "u" * 4097])
def test_the_new_one_has_to_be_another_good_one(api: ApiClient, new: str) -> None:
    refused = change(api, PASSWORD, new)  # ACC 15

    assert refused.status_code == 400
    assert problem(refused)["errors"][0]["pointer"] == "/new_password"
    assert change(api, PASSWORD, OTHER).status_code == 204


def test_the_owner_is_told(user: User, now: datetime) -> None:
    password.change(
        user=user,
        current_password=PASSWORD,
        new_password=OTHER,
        session_id=user.pk,
        now=now,
    )

    assert queued("accounts.tasks:mail_password_changed") == [{"user_id": str(user.pk)}]
