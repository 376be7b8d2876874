"""What the hottest writes may cost, counted as in test_budgets.py, with what follows the commit.

256 KiB of what a message takes are msgpack's, for a moment, whatever its length.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client, TestCase

from accounts.models import User
from organizations.models import Organization
from realtime.services.sending import send
from tests.budgets.counting import Cost, cost
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.notifications.told import tell
from tests.tenants import join

API = "/api/v1/"
Send = Callable[..., Any]


@contextmanager
def committed() -> Iterator[None]:
    """Do what a commit would, which the test's own transaction never comes to."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        yield
        connection.check_constraints()


@pytest.fixture
def sending(api: ApiClient) -> Send:
    """Send, have what waits for the commit done, and return the answer's body."""
    client = Client(HTTP_AUTHORIZATION=api.defaults["HTTP_AUTHORIZATION"])  # checks no schema

    def send(method: str, path: str, body: Any, status: int = 200) -> Any:
        with committed():
            answer = client.generic(method, API + path, orjson.dumps(body), "application/json")
        assert answer.status_code == status, answer.content
        return orjson.loads(answer.content) if answer.content else None

    return send


def assert_within(found: Cost, *, statements: int, trips: int, calls: int, kib: float) -> None:
    assert found.statements <= statements
    assert found.trips <= trips
    assert found.calls <= calls
    assert found.kib <= kib


def test_mark_one_as_read(sending: Send, user: User) -> None:
    told = iter([tell(user, f"Build {number}", kind=f"k{number}").pk for number in range(4)])

    found = cost(lambda: sending("PATCH", f"notifications/{next(told)}", {"is_read": True}))

    assert_within(found, statements=7, trips=2, calls=12_000, kib=335)


def test_change_my_name(sending: Send) -> None:
    names = (f"Uma {number}" for number in count())

    found = cost(lambda: sending("PATCH", "users/me", {"full_name": next(names)}))

    assert_within(found, statements=8, trips=4, calls=13_500, kib=330)


def test_sign_in(sending: Send, user: User) -> None:
    found = cost(lambda: sending("POST", "auth/token", {"email": user.email, "password": PASSWORD}))

    assert_within(found, statements=7, trips=4, calls=11_500, kib=330)


def test_refresh(sending: Send, user: User) -> None:
    pairs = [sending("POST", "auth/token", {"email": user.email, "password": PASSWORD})]

    def refresh() -> None:
        body = {"refresh": pairs[-1]["refresh"]}
        pairs.append(sending("POST", "auth/token/refresh", body))

    assert_within(cost(refresh), statements=2, trips=1, calls=8_200, kib=56)


def test_invite(sending: Send, acme: Organization) -> None:
    guests = (f"guest{number}@example.com" for number in count())
    path = f"organizations/{acme.pk}/invitations"

    found = cost(lambda: sending("POST", path, {"email": next(guests), "role": "member"}, 201))

    assert_within(found, statements=17, trips=6, calls=32_500, kib=355)


def test_change_a_role(sending: Send, acme: Organization) -> None:
    member = join(acme, make_user("mia@example.com"), "member")
    path, roles = f"organizations/{acme.pk}/members/{member.user_id}", cycle(["admin", "member"])

    found = cost(lambda: sending("PATCH", path, {"role": next(roles)}))

    assert_within(found, statements=26, trips=4, calls=36_500, kib=345)


def test_tell_one_member(sending: Send, user: User, acme: Organization) -> None:
    titles = (f"Build {number}" for number in count())
    path = f"organizations/{acme.pk}/notifications"

    def tell_one() -> None:
        sending("POST", path, {"title": next(titles), "user_ids": [str(user.pk)]}, 201)

    assert_within(cost(tell_one), statements=17, trips=2, calls=23_200, kib=345)


@pytest.mark.django_db
def test_say_something_on_a_channel(user: User) -> None:
    def say() -> None:
        with committed():
            send(f"user:{user.pk}", "lamp.lit", {"lamp": "kitchen"})

    assert_within(cost(say), statements=2, trips=1, calls=1_060, kib=285)
