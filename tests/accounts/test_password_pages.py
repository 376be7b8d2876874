"""The page that asks for a link to choose a password, and the one behind it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import page_words, passwords
from accounts.models import User
from accounts.services import password
from core.models import MailedToken
from tests.accounts.mailed_links import (
    FORM,
    everything,
    mail_of,
    says,
)
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user

FORGOT = "/forgot-password"


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


@pytest.mark.parametrize(
    "typed", ["", "short", "123456789012", "uma@example.com", PASSWORD, "a" * 4097, "nul\x00" * 6]
)
def test_a_weak_password_is_told_and_costs_no_link(
    anonymous: ApiClient, now: datetime, typed: str
) -> None:  # ACC 11
    mailed = mail_of("reset-password", now)
    before = everything()

    refused = anonymous.post(mailed.path, {"password": typed})

    page = refused.content.decode()
    assert refused.status_code == 400
    assert '<div class="problems" role="alert"' in page
    assert '<p id="password-problem" class="problem">' in page
    assert f'value="{typed}"' not in page
    assert everything() == before
    assert anonymous.post(mailed.path, FORM).status_code == 200


def test_what_was_typed_is_not_shown_again(anonymous: ApiClient, now: datetime) -> None:
    path = mail_of("reset-password", now).path

    page = anonymous.post(path, {"password": "fünf<b>"}).content.decode()

    assert "fünf" not in page


def test_the_password_field_helps_password_managers(anonymous: ApiClient, now: datetime) -> None:
    page = anonymous.get(mail_of("reset-password", now).path).content.decode()

    assert page.count('type="password"') == 1
    assert page.count('autocomplete="new-password"') == 1
    assert '<label for="password">New password</label>' in page


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_chooses_the_password() -> None:  # ACC 11
    mailed = mail_of("reset-password", timezone.now())
    choices = ["the first of two choices", "the other of two choices"]

    def attempt(choice: str) -> int:
        status = ApiClient().post(mailed.path, {"password": choice}).status_code
        connection.close()
        return int(status)

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(attempt, choices))

    user = User.objects.get()
    assert sorted(statuses) == [200, 410]
    assert passwords.matches(user, choices[statuses.index(200)])


def test_asking_for_a_link_is_answered_alike(anonymous: ApiClient, user: User) -> None:  # ACC 10
    User.objects.change(make_user("gone@example.com"), is_active=False)
    make_user("waits@example.com", verified=False)
    emails = [user.email, "gone@example.com", "waits@example.com", "nobody@example.com", "nobody"]

    answers = [anonymous.post(FORGOT, {"email": email}) for email in emails]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(answer.headers) for answer in answers}) == 1
    assert says(answers[0], page_words.FORGOT_PASSWORD["done"])
    assert MailedToken.objects.of(password.RESET, user.pk).unspent().count() == 1


def test_a_look_at_the_form_asks_for_nothing(anonymous: ApiClient, user: User) -> None:  # ACC 5
    before = everything()

    for _ in range(10):
        shown = anonymous.get(FORGOT)
        assert anonymous.head(f"{FORGOT}?email={user.email}").status_code == 200

    assert says(shown, page_words.FORGOT_PASSWORD["ready"])
    assert everything() == before


@pytest.mark.parametrize("typed", ["", "a" * 321, "uma@example.com\x00"])
def test_what_can_be_no_address_is_asked_for_again(
    anonymous: ApiClient, user: User, typed: str
) -> None:
    before = everything()

    response = anonymous.post(FORGOT, {"email": typed})

    assert response.status_code == 400
    assert 'id="email-problem"' in response.content.decode()
    assert everything() == before


def test_the_page_and_the_api_share_one_limit(
    anonymous: ApiClient, user: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"forgot_password": "2/3600"}
    anonymous.post(FORGOT, {"email": user.email})
    anonymous.send("POST", "/api/v1/auth/password/forgot", {"email": "UMA+x@example.com"})

    refused = anonymous.post(FORGOT, {"email": user.email})
    by_api = anonymous.send("POST", "/api/v1/auth/password/forgot", {"email": user.email})
    unknown = [anonymous.post(FORGOT, {"email": "nobody@example.com"}) for _ in range(3)]

    assert (refused.status_code, by_api.status_code) == (429, 429)
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert says(refused, page_words.FORGOT_PASSWORD["limited"])
    assert [answer.status_code for answer in unknown] == [200, 200, 429]
    assert MailedToken.objects.of(password.RESET, user.pk).count() == 1


def test_the_api_tells_how_the_limit_stands(anonymous: ApiClient, settings: Settings) -> None:
    settings.RATE_LIMITS = {"forgot_password": "2/3600"}

    response = anonymous.send(
        "POST", "/api/v1/auth/password/forgot", {"email": "nobody@example.com"}
    )

    assert response.status_code == 202
    assert response["RateLimit-Policy"] == '"forgot_password";q=2;w=3600'
    assert response["RateLimit"].startswith('"forgot_password";r=1;')


def test_one_client_asks_only_so_often(anonymous: ApiClient, settings: Settings) -> None:
    settings.RATE_LIMITS = {"address": "2/60"}

    answers = [anonymous.post(FORGOT, {"email": f"{n}@example.com"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_foreign_form_asks_for_no_mail(user: User) -> None:
    refused = Client(enforce_csrf_checks=True).post(FORGOT, {"email": user.email})

    assert refused.status_code == 403
    assert not MailedToken.objects.of(password.RESET, user.pk).exists()
