"""The pages behind mailed links."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import passwords
from accounts.models import User, UserSession
from accounts.pages import LINK_PAGES
from accounts.services import password, sessions
from core import logging as our_logging
from core.models import MailedToken
from tests.accounts.mailed_links import (
    FORM,
    NEW_ADDRESS,
    NEW_PASSWORD,
    SCENES,
    Mailed,
    everything,
    mail_of,
    says,
)
from tests.client import ApiClient
from tests.conftest import make_user


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


@pytest.fixture(params=SCENES)
def mailed(request: pytest.FixtureRequest, now: datetime) -> Mailed:
    return mail_of(request.param, now)


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
