# ACC 22, 23 and 40, as two servers see it: what ends on one is over on the other, at once.
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from redis import Redis

from accounts import jwt
from accounts.models import User
from core.embedded.valkey import Valkey
from tests.conftest import PASSWORD
from tests.servers import Server, running

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

ME = "/api/v1/users/me"
SESSIONS = "/api/v1/users/me/sessions"
SIGN_IN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/token/refresh"
LOGOUT = "/api/v1/auth/logout"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(tmp_path / name, RATE_LIMITS="{}")) for name in "ab"]


class Device:
    """Somebody who signed in on one of the servers, and calls either."""

    def __init__(self, server: Server, user: User, agent: str = "tests") -> None:
        self.agent = {"User-Agent": agent}
        body = {"email": user.email, "password": PASSWORD}
        response = server.post(SIGN_IN, json=body, headers=self.agent)
        assert response.status_code == 200, response.text
        self.pair = response.json()

    @property
    def headers(self) -> dict[str, str]:
        return {**self.agent, "Authorization": f"Bearer {self.pair['access']}"}

    def get(self, server: Server, path: str = ME) -> Any:
        return server.get(path, headers=self.headers)

    def answers(self, servers: list[Server]) -> list[str]:
        """Return what each server says: the code of its refusal, or `ok`."""
        return [self.get(server).json().get("code", "ok") for server in servers]

    def refresh(self, server: Server) -> Any:
        return server.post(REFRESH, json={"refresh": self.pair["refresh"]})


OK, REVOKED = ["ok", "ok"], ["session_revoked", "session_revoked"]


def run(*words: str) -> None:
    call_command(*words, stdout=StringIO())


def keep_redis(store: Valkey) -> None:
    pass


def empty_redis(store: Valkey) -> None:
    with Redis.from_url(settings.REDIS_URL) as client:
        client.flushall()


@pytest.mark.parametrize("then", [keep_redis, empty_redis, Valkey.stop])
def test_deactivating_is_logging_out_everywhere(
    private_valkey: Valkey, two: list[Server], user: User, then: Callable[[Valkey], None]
) -> None:  # ACC 40
    devices = [Device(server, user) for server in two]
    assert [device.answers(two) for device in devices] == [OK, OK]

    run("deactivate_user", user.email)
    then(private_valkey)

    assert [device.answers(two) for device in devices] == [REVOKED, REVOKED]
    assert devices[0].refresh(two[1]).json()["code"] == "session_revoked"
    again = two[0].post(SIGN_IN, json={"email": user.email, "password": PASSWORD})
    assert again.json()["code"] == "invalid_credentials"

    run("reactivate_user", user.email)

    assert [device.answers(two) for device in devices] == [REVOKED, REVOKED]
    assert devices[1].refresh(two[0]).json()["code"] == "session_revoked"
    assert Device(two[0], user).answers(two) == OK


def test_deactivating_holds_also_when_redis_is_dead_already(
    private_valkey: Valkey, two: list[Server], user: User
) -> None:  # ACC 40
    device = Device(two[0], user)
    assert device.answers(two) == OK
    private_valkey.stop()

    run("deactivate_user", user.email)

    assert device.answers(two) == REVOKED
    private_valkey.start(private_valkey.port)
    assert device.answers(two) == REVOKED


def test_deactivating_holds_against_what_redis_brings_back_from_its_disk(
    persistent_valkey: Valkey, two: list[Server], user: User
) -> None:  # ACC 40
    device = Device(two[0], user)
    assert device.answers(two) == OK  # and is remembered from here on
    persistent_valkey.stop()

    run("deactivate_user", user.email)
    persistent_valkey.start(persistent_valkey.port)

    assert device.answers(two) == REVOKED


def test_logging_out_on_one_server_is_over_on_the_other(
    two: list[Server], user: User
) -> None:  # ACC 22
    a, b = two
    leaving, staying = Device(a, user), Device(b, user)
    assert [leaving.answers(two), staying.answers(two)] == [OK, OK]

    statuses = [server.post(LOGOUT, headers=leaving.headers).status_code for server in (a, b)]

    assert statuses == [204, 204]
    assert leaving.answers(two) == REVOKED
    assert leaving.refresh(b).json()["code"] == "session_revoked"
    assert staying.answers(two) == OK


def test_logging_out_with_an_expired_token_is_over_on_the_other_server(
    two: list[Server], user: User
) -> None:  # ACC 22
    a, b = two
    device = Device(a, user)
    claims = jwt.read(device.pair["access"], "access", now=timezone.now())
    old = timezone.now() - timedelta(hours=1)
    expired = jwt.mint_access(user_id=user.pk, session_id=claims.session_id, now=old)
    headers = {"Authorization": f"Bearer {expired}"}
    assert a.get(ME, headers=headers).json()["code"] == "token_expired"

    assert a.post(LOGOUT, headers=headers).status_code == 204

    assert device.answers([b, a]) == REVOKED
    assert b.post(LOGOUT, headers=headers).status_code == 204


def test_the_list_of_sessions_is_one_list_over_both_servers(
    two: list[Server], user: User, stranger: User
) -> None:  # ACC 23
    a, b = two
    phone = Device(a, user, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1")
    laptop, third = Device(b, user, "curl/8.0"), Device(a, user, "curl/8.0")
    other = Device(b, stranger)

    listed = phone.get(b, SESSIONS).json()["items"]
    (current,) = [found for found in listed if found["current"]]
    assert len(listed) == 3
    assert {found["ip_address"] for found in listed} == {"127.0.0.1"}
    assert current["device"] == "Mobile Safari on iOS"
    assert all(found["created_at"] and found["last_seen_at"] for found in listed)

    address = f"{SESSIONS}/{session_of(laptop, a)}"
    assert delete(a, address, other).status_code == 404
    assert laptop.answers(two) == OK
    assert delete(a, address, phone).status_code == 204
    assert laptop.answers([b, a]) == REVOKED
    assert delete(b, address, phone).status_code == 404

    assert delete(b, SESSIONS, phone).status_code == 204
    assert third.answers(two) == REVOKED
    assert [phone.answers(two), other.answers(two)] == [OK, OK]
    assert [found["id"] for found in phone.get(a, SESSIONS).json()["items"]] == [current["id"]]


def session_of(device: Device, server: Server) -> str:
    items = device.get(server, SESSIONS).json()["items"]
    return next(str(found["id"]) for found in items if found["current"])


def delete(server: Server, path: str, device: Device) -> Any:
    return server.delete(path, headers=device.headers)
