"""An account's life over HTTP, with two server processes that share nothing but the stores."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.services import address_change, deletion, password, registration
from tests.conftest import PASSWORD, make_user
from tests.devices import Device, at_once
from tests.mails import newest_secret
from tests.servers import Server, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

EMAIL = "pat@example.com"
SECOND, THIRD = "another quiet lamp post", "a third quiet lamp post"
OPEN = '{"sign_in_failures": "5/300"}'


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(logs / "here", RATE_LIMITS=OPEN) as here,
        running(logs / "there", RATE_LIMITS=OPEN) as there,
    ):
        yield here, there


def test_from_registering_to_changing_ones_mind(servers: tuple[Server, Server]) -> None:
    laptop, phone = Device(servers[0]), Device(servers[1])
    body = {"email": EMAIL, "password": PASSWORD, "full_name": "Pat Example"}
    assert laptop.status("POST", "/auth/register", body) == 202
    subject = User.objects.by_email(EMAIL).pk  # type: ignore[union-attr]

    def spend(path: str, purpose: str, **more: str) -> int:
        return phone.status("POST", path, {"token": newest_secret(subject, purpose), **more})

    assert spend("/auth/verify-email", registration.PURPOSE) == 204

    laptop.sign_in(PASSWORD, EMAIL)
    phone.sign_in(PASSWORD, EMAIL)
    listed = laptop.send("GET", "/users/me/sessions").json()["items"]
    assert [(item["device"], item["current"]) for item in listed] == [
        ("Firefox on Linux", False),
        ("Firefox on Linux", True),
    ]
    assert laptop.status("DELETE", f"/users/me/sessions/{listed[0]['id']}") == 204
    assert (laptop.knows_me(), phone.knows_me()) == (True, False)

    assert laptop.status("POST", "/auth/password/forgot", {"email": EMAIL}) == 202
    assert spend("/auth/password/reset", password.RESET, password=SECOND) == 204
    assert not laptop.knows_me()

    laptop.sign_in(SECOND, EMAIL)
    phone.sign_in(SECOND, EMAIL)
    change = {"current_password": SECOND, "new_password": THIRD}
    assert laptop.status("POST", "/auth/password/change", change) == 204
    assert (laptop.knows_me(), phone.knows_me()) == (True, False)

    moving = {"email": "pat@example.org", "password": THIRD}
    assert laptop.status("POST", "/auth/email/change", moving) == 202
    assert spend("/auth/email/confirm", password.CHANGE_ADDRESS) == 204
    assert laptop.send("GET", "/users/me").json()["email"] == "pat@example.org"
    assert spend("/auth/email/revert", address_change.REVERT) == 204
    assert not laptop.knows_me()

    laptop.sign_in(THIRD, EMAIL)
    assert laptop.status("DELETE", "/users/me", {"password": THIRD}) == 204
    assert not laptop.knows_me()
    refused = phone.send("POST", "/auth/token", {"email": EMAIL, "password": THIRD})
    assert refused.json()["code"] == "deletion_requested"
    deletion.cancel(token=newest_secret(subject, deletion.CANCEL), now=timezone.now())
    phone.sign_in(THIRD, EMAIL)
    assert phone.knows_me()
    assert phone.status("POST", "/auth/logout") == 204
    assert not phone.knows_me()


def test_many_registrations_of_one_address_make_one_account(
    servers: tuple[Server, Server],
) -> None:
    body = {"email": EMAIL, "password": PASSWORD, "full_name": "Pat"}

    answers = at_once(  # ACC 4
        40, lambda number: Device(servers[number % 2]).status("POST", "/auth/register", body)
    )

    assert Counter(answers) == {202: 40}
    assert User.objects.filter(email_normalized=EMAIL).count() == 1


def test_one_refresh_token_used_by_many_at_once_has_one_successor(
    servers: tuple[Server, Server],
) -> None:
    user = make_user(EMAIL)
    pair = Device(servers[0]).sign_in(PASSWORD, EMAIL)
    body = {"refresh": pair["refresh"]}

    answers = at_once(  # ACC 21
        20, lambda number: Device(servers[number % 2]).send("POST", "/auth/token/refresh", body)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 20}
    assert len({answer.json()["refresh"] for answer in answers}) == 1
    assert UserSession.objects.of(user).open(now=timezone.now()).count() == 1


def test_one_reset_link_used_by_many_at_once_works_once(servers: tuple[Server, Server]) -> None:
    user = make_user(EMAIL)
    password.ask_for_link(email=EMAIL, now=timezone.now())
    token = newest_secret(user.pk, password.RESET)

    def reset(number: int) -> int:
        body = {"token": token, "password": f"{SECOND} {number}"}
        return Device(servers[number % 2]).status("POST", "/auth/password/reset", body)

    assert Counter(at_once(20, reset)) == {204: 1, 410: 19}  # ACC 11


def test_no_more_tries_pass_at_once_than_one_by_one(servers: tuple[Server, Server]) -> None:
    make_user(EMAIL)
    body = {"email": EMAIL, "password": "not the password"}

    answers = at_once(  # ACC 18
        50, lambda number: Device(servers[number % 2]).status("POST", "/auth/token", body)
    )

    assert Counter(answers) == {401: 5, 429: 45}
