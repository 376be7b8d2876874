"""Stopping the mails of one kind, logged out."""  # NTF 15

import pytest
from django.test import Client

from accounts.models import User
from notifications.mailing import unsubscribing
from notifications.models import Delivery, Preference
from organizations.models import Organization

KIND = "organization.role_changed"


def path(user: User, kind: str = KIND) -> str:
    return unsubscribing.address(user.pk, kind).removeprefix("http://testserver")


def email_of(user: User, kind: str = KIND) -> list[tuple[object, bool]]:
    rows = Preference.objects.filter(user=user, kind=kind, channel="email")
    return [(row.organization_id, row.enabled) for row in rows]


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def test_looking_changes_nothing(browser: Client, user: User) -> None:
    answer = browser.get(path(user))

    assert answer.status_code == 200
    assert "Your role was changed" in answer.content.decode()
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
    assert email_of(user) == []


def test_one_click_stops_that_kind_alone(browser: Client, user: User, acme: Organization) -> None:
    Preference.objects.add(user=user, organization=acme, kind=KIND, channel="email", enabled=True)
    other = Preference.objects.add(user=user, kind="a.b", channel="email", enabled=True)

    body = {"List-Unsubscribe": "One-Click"}
    answers = [browser.post(path(user), body).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert email_of(user) == [(None, False)]
    other.refresh_from_db()
    assert other.enabled


def test_a_digest_is_stopped(browser: Client, user: User) -> None:
    Delivery.objects.put(user.pk, mails="daily", next_digest_at=user.created_at)

    assert browser.post(path(user, "digest")).status_code == 200

    assert Delivery.objects.get().mails == "never"


def test_what_is_required_can_not_be_stopped(browser: Client, user: User) -> None:
    answer = browser.post(path(user, "account.password_changed"))

    assert "can&#x27;t be stopped" in answer.content.decode()
    assert email_of(user, "account.password_changed") == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_link_does_nothing(browser: Client, user: User, method: str) -> None:
    genuine = path(user)
    forged = [genuine[:-2] + "xx", genuine.replace("role_changed", "removed"), genuine + "a"]

    for address in forged:
        assert getattr(browser, method)(address).status_code == 404
    assert not Preference.objects.exists()


def test_an_account_that_is_gone(browser: Client, user: User) -> None:
    address = path(user)
    user.delete()

    assert browser.post(address).status_code == 404
