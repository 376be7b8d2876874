"""The pages behind mailed links, and the one that asks for a link."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django.fixtures import Settings

from accounts import page_words, passwords
from accounts.models import User, UserSession
from accounts.pages import LINK_PAGES
from accounts.services import address_change, deletion, password, sessions
from core import logging as our_logging
from core import tokens
from core.models import MailedToken
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user

NEW_PASSWORD = "the lit window upstairs"
NEW_ADDRESS = "new@example.com"
FORM = {"password": NEW_PASSWORD}


@dataclass(frozen=True, slots=True)
class Mailed:
    """A link as its person got it, with the account it is about."""

    user: User
    token: MailedToken
    name: str

    @property
    def secret(self) -> str:
        return tokens.secret_of(self.token)

    @property
    def path(self) -> str:
        return f"/{self.name}/{self.secret}"


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


def _verify(now: datetime) -> User:
    return make_user("vera@example.com", verified=False)


def _reset(now: datetime) -> User:
    user = make_user("uma@example.com")
    password.forget(email=user.email, now=now)
    return user


def _confirm(now: datetime) -> User:
    user = make_user("uma@example.com")
    address_change.request(user=user, email=NEW_ADDRESS, password=PASSWORD, now=now)
    return user


def _revert(now: datetime) -> User:
    user = _confirm(now)
    asked = MailedToken.objects.of(password.CHANGE_ADDRESS, user.pk).get()
    address_change.confirm(token=tokens.secret_of(asked), now=now)
    user.refresh_from_db()
    return user


def _cancel(now: datetime) -> User:
    user = make_user("uma@example.com")
    deletion.request(user=user, password=PASSWORD, now=now)
    user.refresh_from_db()
    return user


SCENES: dict[str, Callable[[datetime], User]] = {
    "verify-email": _verify,
    "reset-password": _reset,
    "confirm-email": _confirm,
    "revert-email": _revert,
    "cancel-deletion": _cancel,
}


def mail_of(name: str, now: datetime) -> Mailed:
    user = SCENES[name](now)
    return Mailed(user, MailedToken.objects.of(LINK_PAGES[name].purpose, user.pk).get(), name)


@pytest.fixture(params=SCENES)
def mailed(request: pytest.FixtureRequest, now: datetime) -> Mailed:
    return mail_of(request.param, now)


def everything() -> tuple[Any, ...]:
    models = (User, MailedToken, UserSession)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def says(response: Any, words: page_words.Words) -> bool:
    page = response.content.decode()
    return all(escape(text) in page for text in (words.title, words.text, words.badge))


def test_every_page_has_a_scene() -> None:
    assert SCENES.keys() == LINK_PAGES.keys()


def test_a_scanner_that_opens_a_link_burns_nothing(
    anonymous: ApiClient, mailed: Mailed
) -> None:  # ACC 5
    before = everything()

    for _ in range(10):
        shown = anonymous.get(mailed.path)
        assert anonymous.head(mailed.path).status_code == 200

    assert shown.status_code == 200
    assert says(shown, LINK_PAGES[mailed.name].words["ready"])
    assert everything() == before


def test_posting_spends_a_link_once(anonymous: ApiClient, mailed: Mailed) -> None:  # ACC 5
    words = LINK_PAGES[mailed.name].words

    done = anonymous.post(mailed.path, FORM)
    again = anonymous.post(mailed.path, FORM)

    mailed.token.refresh_from_db()
    assert (done.status_code, again.status_code) == (200, 410)
    assert says(done, words["done"])
    assert says(again, words["used"])
    assert mailed.token.used_at is not None
    assert says(anonymous.get(mailed.path), words["used"])


def test_what_the_button_does_is_done(anonymous: ApiClient, mailed: Mailed) -> None:
    anonymous.post(mailed.path, FORM)

    user = User.objects.get(pk=mailed.user.pk)
    done = {
        "verify-email": user.email_verified,
        "reset-password": passwords.matches(user, NEW_PASSWORD),
        "confirm-email": user.email == NEW_ADDRESS,
        "revert-email": user.email == "uma@example.com",
        "cancel-deletion": user.deletion_due_at is None,
    }
    assert done[mailed.name]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("state", ["expired", "superseded", "unknown"])
def test_a_link_that_is_over_says_why(
    anonymous: ApiClient, mailed: Mailed, state: str, method: str
) -> None:
    rows = MailedToken.objects.filter(pk=mailed.token.pk)
    if state == "expired":
        rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif state == "superseded":
        rows.supersede_all(now=timezone.now())
    else:
        rows.delete()
    before = everything()

    response = getattr(anonymous, method)(mailed.path, FORM if method == "post" else {})

    assert response.status_code == 410
    assert says(response, LINK_PAGES[mailed.name].words[state])
    assert "<form" not in response.content.decode()
    assert everything() == before


def test_a_link_of_another_page_is_unknown_and_stays_fresh(
    anonymous: ApiClient, mailed: Mailed
) -> None:  # ACC 8
    for name in LINK_PAGES.keys() - {mailed.name}:
        response = anonymous.post(f"/{name}/{mailed.secret}", FORM)
        assert response.status_code == 410
        assert says(response, LINK_PAGES[name].words["unknown"])

    mailed.token.refresh_from_db()
    assert mailed.token.used_at is None
    assert mailed.token.superseded_at is None


@pytest.mark.parametrize(
    "token", ["a", "%00", "%FF%FE", "..%2F..%2Fetc", "a" * 2000, "%22%3E%3Cb%3E"]
)
@pytest.mark.parametrize("name", LINK_PAGES)
def test_rubbish_for_a_link_is_unknown(anonymous: ApiClient, name: str, token: str) -> None:
    for method in (anonymous.get, anonymous.post):
        response = method(f"/{name}/{token}")

        assert response.status_code in {404, 410}
        assert "<b>" not in response.content.decode()


def test_a_form_from_elsewhere_changes_nothing(mailed: Mailed) -> None:
    client = Client(enforce_csrf_checks=True)
    before = everything()

    refused = client.post(mailed.path, FORM)

    assert refused.status_code == 403
    assert everything() == before


def test_the_form_of_the_page_is_enough(mailed: Mailed) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(mailed.path)
    proof = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}

    assert client.post(mailed.path, FORM | proof).status_code == 200


def test_pages_are_kept_nowhere_and_tell_nobody(anonymous: ApiClient, mailed: Mailed) -> None:
    for response in (anonymous.get(mailed.path), anonymous.post(mailed.path, FORM)):
        policy = response["Content-Security-Policy"]
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert "default-src 'none'" in policy


def test_no_log_line_holds_what_was_mailed_or_typed(
    anonymous: ApiClient, mailed: Mailed, capfd: pytest.CaptureFixture[str]
) -> None:
    our_logging.flush()
    capfd.readouterr()

    anonymous.get(mailed.path)
    anonymous.post(mailed.path, FORM)

    our_logging.flush()
    written = capfd.readouterr().out
    assert written.count(f'"path":"/{mailed.name}/[redacted]"') == 2
    assert mailed.secret not in written
    assert NEW_PASSWORD not in written


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(anonymous: ApiClient, mailed: Mailed, method: str) -> None:
    response = getattr(anonymous, method)(mailed.path)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("name", ["confirm-email", "revert-email"])
def test_an_address_that_somebody_proved_meanwhile_is_a_conflict(
    anonymous: ApiClient, now: datetime, name: str
) -> None:  # ACC 29
    mailed = mail_of(name, now)
    make_user(NEW_ADDRESS if name == "confirm-email" else "uma@example.com")
    before = everything()

    response = anonymous.post(mailed.path)

    assert response.status_code == 409
    assert says(response, LINK_PAGES[name].words["conflict"])
    assert everything() == before


def test_undoing_a_change_ends_every_session(anonymous: ApiClient, now: datetime) -> None:  # ACC 29
    mailed = mail_of("revert-email", now)
    sessions.start_session(user=mailed.user, device="", ip_address="192.0.2.1", now=now)

    anonymous.post(mailed.path)

    assert not UserSession.objects.of(mailed.user).open(now=timezone.now()).exists()
    assert MailedToken.objects.of(password.RESET, mailed.user.pk).unspent().count() == 1


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


FORGOT = "/forgot-password"


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
