from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from accounts import mails
from accounts.models import User
from accounts.services import registration
from core import tokens
from core.errors import InvalidError
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.core.jobs import queues
from tests.mails import newest_token, waiting_mails

REGISTER = "/api/v1/auth/register"
VERIFY = "/api/v1/auth/verify-email"
SIGN_IN = "/api/v1/auth/token"

BODY = {"email": "new@example.com", "password": PASSWORD, "full_name": "Nia New"}


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


def account(email: str) -> User:
    user = User.objects.by_email(email)
    assert user is not None
    return user


def test_from_registering_to_signing_in(anonymous: ApiClient) -> None:
    assert anonymous.send("POST", REGISTER, BODY).status_code == 202
    before = anonymous.send("POST", SIGN_IN, {"email": BODY["email"], "password": PASSWORD})

    verified = anonymous.send("POST", VERIFY, {"token": newest_token(account(BODY["email"]))})

    after = anonymous.send("POST", SIGN_IN, {"email": BODY["email"], "password": PASSWORD})
    assert problem(before)["code"] == "email_not_verified"  # ACC 9
    assert verified.status_code == 204
    assert after.status_code == 200


def test_a_taken_address_is_answered_alike(anonymous: ApiClient, user: User) -> None:  # ACC 1
    taken = anonymous.send("POST", REGISTER, BODY | {"email": user.email})
    free = anonymous.send("POST", REGISTER, BODY)

    assert taken.status_code == free.status_code == 202
    assert taken.content == free.content
    assert taken.headers.keys() == free.headers.keys()
    assert User.objects.count() == 2


def test_the_owner_of_a_taken_address_is_told(anonymous: ApiClient, user: User) -> None:  # ACC 1
    anonymous.send("POST", REGISTER, BODY | {"email": user.email})
    notice = MailedToken.objects.get()

    mails.send_link(token_id=notice.pk, now=timezone.now())

    (message,) = mail.outbox
    assert message.to == [user.email]
    assert "account" in message.subject.lower()


def test_registering_leaves_a_job_that_holds_no_token(anonymous: ApiClient) -> None:
    anonymous.send("POST", REGISTER, BODY)

    token = newest_token(account(BODY["email"]))

    (job,) = waiting_mails(account(BODY["email"]))
    assert job["arguments"].keys() == {"token_id", "_context"}
    assert token not in str(job)


@pytest.mark.django_db(transaction=True)
def test_registering_that_is_rolled_back_leaves_no_job(now: datetime) -> None:
    before = queues.total()

    with transaction.atomic():
        registration.register(email="new@example.com", password=PASSWORD, full_name="", now=now)
        transaction.set_rollback(True)

    assert not User.objects.exists()
    assert queues.total() == before


@pytest.mark.django_db(transaction=True)
def test_parallel_registrations_of_an_address_make_one_account() -> None:  # ACC 4
    def attempt(number: int) -> Any:
        email = ["new@example.com", " New@Example.COM "][number % 2]
        status = ApiClient().send("POST", REGISTER, BODY | {"email": email}).status_code
        connection.close()
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(16)))

    assert statuses == [202] * 16
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"password": "short"}, "/password"),
        ({"password": "123456789012"}, "/password"),
        ({"password": "new@example.com"}, "/password"),
        ({"password": "a" * 4097}, "/password"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": "ünicode@example.com"}, "/email"),
        ({"email": f"{'a' * 250}@example.com"}, "/email"),
        ({"email": f"a@example.com{'.' * 300}"}, "/email"),
        ({"email": f"{' ' * 70}{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example"}, "/email"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "/email"),
        ({"full_name": "a" * 201}, "/full_name"),
    ],
)
def test_what_can_not_be_registered_is_pointed_at(
    anonymous: ApiClient, change: dict[str, str], pointer: str
) -> None:  # ACC 15
    response = anonymous.send("POST", REGISTER, BODY | change)

    assert response.status_code == 400
    assert problem(response)["errors"][0]["pointer"] == pointer
    assert not User.objects.exists()


def test_mail_goes_to_the_domain_that_was_checked(anonymous: ApiClient) -> None:  # ACC 3
    response = anonymous.send("POST", REGISTER, BODY | {"email": " Nia@faß.example. "})

    newest_token(account("nia@xn--fa-hia.example"))

    (message,) = mail.outbox
    assert response.status_code == 202
    assert message.to == ["Nia@xn--fa-hia.example"]
    assert message.message()["To"] == "Nia@xn--fa-hia.example"


def test_a_link_works_once(anonymous: ApiClient) -> None:  # ACC 6
    anonymous.send("POST", REGISTER, BODY)
    token = newest_token(account(BODY["email"]))
    anonymous.send("POST", VERIFY, {"token": token})

    again = anonymous.send("POST", VERIFY, {"token": token})

    assert again.status_code == 410
    assert problem(again)["code"] == "token_used"


def test_a_new_link_ends_the_one_before(anonymous: ApiClient) -> None:  # ACC 6
    anonymous.send("POST", REGISTER, BODY)
    user = account(BODY["email"])
    old = newest_token(user)
    anonymous.send("POST", f"{VERIFY}/resend", {"email": " NEW@example.com"})

    refused = anonymous.send("POST", VERIFY, {"token": old})
    accepted = anonymous.send("POST", VERIFY, {"token": newest_token(user)})

    assert problem(refused)["code"] == "token_superseded"
    assert accepted.status_code == 204


def test_a_link_expires(anonymous: ApiClient) -> None:
    anonymous.send("POST", REGISTER, BODY)
    token = newest_token(account(BODY["email"]))
    MailedToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    response = anonymous.send("POST", VERIFY, {"token": token})

    assert problem(response)["code"] == "token_expired"


@pytest.mark.parametrize("token", ["a", "a" * 43, "ü" * 43, "../../etc", "' OR 1=1 --"])
def test_an_unknown_token_is_gone(anonymous: ApiClient, token: str) -> None:
    response = anonymous.send("POST", VERIFY, {"token": token})

    assert problem(response)["code"] == "token_unknown"


def test_a_token_of_another_purpose_is_refused_unspent(user: User, now: datetime) -> None:  # ACC 8
    other = tokens.issue(
        purpose="reset_password",
        subject_id=user.pk,
        binding=user.email_normalized,
        lifetime=timedelta(hours=1),
        now=now,
    )

    with pytest.raises(tokens.TokenUnknownError):
        registration.verify_email(token=tokens.secret_of(other), now=now)

    other.refresh_from_db()
    assert other.used_at is None


def test_a_link_dies_when_the_address_changes_before_the_click(now: datetime) -> None:  # ACC 7
    user = make_user("old@example.com", verified=False)
    token = newest_token(user)
    User.objects.change(user, email="other@example.com", email_normalized="other@example.com")

    with pytest.raises(tokens.TokenSupersededError):
        registration.verify_email(token=token, now=now)

    user.refresh_from_db()
    assert not user.email_verified


def test_a_page_shows_ten_times_and_spends_once(anonymous: ApiClient) -> None:  # ACC 5
    anonymous.send("POST", REGISTER, BODY)
    user = account(BODY["email"])
    page = f"/verify-email/{newest_token(user)}"
    for _ in range(10):
        assert anonymous.get(page).status_code == 200
        assert anonymous.head(page).status_code == 200
    user.refresh_from_db()
    shown = user.email_verified

    anonymous.post(page)

    user.refresh_from_db()
    assert not shown
    assert user.email_verified
    assert anonymous.get(page).status_code == 410


def test_a_mailed_link_comes_from_settings(anonymous: ApiClient) -> None:
    anonymous.send("POST", REGISTER, BODY, Host="testserver", X_Forwarded_Host="evil.example")
    newest_token(account(BODY["email"]))

    assert "http://testserver/verify-email/" in str(mail.outbox[-1].body)
    assert "evil" not in str(mail.outbox[-1].body)


def test_a_mail_that_comes_too_late_is_not_sent(now: datetime) -> None:
    user = make_user("late@example.com", verified=False)
    token = MailedToken.objects.of("verify_email", user.pk).get()
    registration.verify_email(token=newest_token(user), now=now)
    mail.outbox.clear()

    mails.send_link(token_id=token.pk, now=now)

    assert mail.outbox == []


def test_no_token_rests_in_the_database(anonymous: ApiClient) -> None:
    anonymous.send("POST", REGISTER, BODY)
    token = newest_token(account(BODY["email"]))

    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM core_mailedtoken t")
        rows = str(cursor.fetchall())

    assert token not in rows
    assert PASSWORD not in rows


def test_an_operator_can_not_open_a_second_account(user: User) -> None:
    with pytest.raises(InvalidError):
        make_user("UMA@example.com")
