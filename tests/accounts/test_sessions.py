from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone
from redis import Redis

from accounts import passwords, session_cache
from accounts.errors import SessionRevokedError, TokenReusedError
from accounts.models import REUSE_GRACE, User, UserSession
from accounts.services import sessions
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.mails import queued

SIGN_IN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/token/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/users/me"
SESSIONS = "/api/v1/users/me/sessions"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def begin(user: User, now: datetime) -> sessions.TokenPair:
    return sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)


def sign_in(client: ApiClient, email: str, password: str) -> Any:
    return client.send("POST", SIGN_IN, {"email": email, "password": password})


def test_signing_in_gives_tokens_and_the_person(anonymous: ApiClient, user: User) -> None:
    response = sign_in(anonymous, " UMA@Example.com ", PASSWORD)  # ACC 3

    found = orjson.loads(response.content)
    assert found.keys() == {"access", "refresh", "expires_in", "token_type", "user"}
    assert (found["expires_in"], found["token_type"]) == (600, "Bearer")
    assert found["user"]["id"] == str(user.pk)


@pytest.mark.parametrize("email", ["uma@example.com", "nobody@example.com", "no address", ""])
def test_what_is_wrong_is_not_told(anonymous: ApiClient, user: User, email: str) -> None:
    response = sign_in(anonymous, email or "x", "not the password")  # ACC 16

    assert response.status_code == 401
    assert problem(response)["code"] == "invalid_credentials"


def test_an_inactive_account_looks_like_none(anonymous: ApiClient, user: User) -> None:
    User.objects.change(user, is_active=False)

    inactive = problem(sign_in(anonymous, user.email, PASSWORD))
    unknown = problem(sign_in(anonymous, "nobody@example.com", PASSWORD))

    assert inactive | {"request_id": ""} == unknown | {"request_id": ""}


def test_passwords_typed_differently_are_one(anonymous: ApiClient, db: None) -> None:  # ACC 15
    user = make_user("nora@example.com")
    User.objects.change(user, password=passwords.hashed("café au lait ﬁne"))

    assert sign_in(anonymous, user.email, "cafe\u0301 au lait fine").status_code == 200


@pytest.mark.parametrize("password", ["a" * 5000, "ü" * 4000])
def test_an_endless_password_is_only_wrong(
    anonymous: ApiClient, user: User, password: str
) -> None:  # ACC 15
    assert sign_in(anonymous, user.email, password).status_code == 401


def test_five_failures_lock_the_account_for_a_while(anonymous: ApiClient, user: User) -> None:
    failures = [sign_in(anonymous, user.email, "wrong").status_code for _ in range(5)]  # ACC 18

    locked = sign_in(anonymous, user.email, PASSWORD)
    varied = sign_in(anonymous, "u.m.a+tag@EXAMPLE。com.", PASSWORD)

    assert failures == [401] * 5
    assert locked.status_code == varied.status_code == 429
    assert int(locked["Retry-After"]) >= 1


def test_parallel_tries_do_not_pass_the_limit(
    anonymous: ApiClient, user: User, transactional_db: None
) -> None:  # ACC 18
    def attempt(number: int) -> Any:
        elsewhere = ApiClient(REMOTE_ADDR=f"192.0.2.{number}")
        status = sign_in(elsewhere, "victim@example.com", "wrong").status_code
        connection.close()
        return status

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(attempt, range(50)))

    assert sorted(statuses) == [401] * 5 + [429] * 45


def test_successes_are_not_counted_as_failures(anonymous: ApiClient, user: User) -> None:
    statuses = [sign_in(anonymous, user.email, PASSWORD).status_code for _ in range(7)]

    assert statuses == [200] * 7


def test_an_address_has_ten_tries_a_minute(anonymous: ApiClient, user: User) -> None:
    statuses = [sign_in(anonymous, f"{n}@example.com", "wrong").status_code for n in range(12)]

    assert statuses == [401] * 10 + [429] * 2  # ACC 18


def test_an_old_hash_is_made_anew_and_sessions_stay(
    anonymous: ApiClient, user: User, now: datetime
) -> None:  # ACC 17
    pair = begin(user, now)
    User.objects.change(user, password=make_password(PASSWORD, hasher="pbkdf2_sha256"))

    assert sign_in(anonymous, user.email, PASSWORD).status_code == 200

    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    anonymous.read(ME, Authorization=f"Bearer {pair.access}")


@contextmanager
def changed_after_the_look(**fields: Any) -> Iterator[None]:
    """Change the account right after it was read, as another request does while we hash."""

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and not changed:
            changed.append(True)
            User.objects.update(**fields)
        return found

    changed: list[bool] = []
    with connection.execute_wrapper(look):
        yield


def test_making_a_hash_anew_does_not_undo_a_change_of_the_password(user: User) -> None:  # ACC 17
    User.objects.change(user, password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    fresh = passwords.hashed("another password")

    with changed_after_the_look(password=fresh):
        sessions.authenticate(email=user.email, password=PASSWORD)

    user.refresh_from_db()
    assert user.password == fresh


@pytest.mark.parametrize("change", [{"password": "!gone"}, {"is_active": False}])
def test_no_session_begins_with_what_has_just_stopped_to_hold(
    anonymous: ApiClient, user: User, change: dict[str, Any]
) -> None:  # ACC 40
    with changed_after_the_look(**change):
        response = sign_in(anonymous, user.email, PASSWORD)

    assert problem(response)["code"] == "invalid_credentials"
    assert not UserSession.objects.exists()


def test_logging_out_ends_the_session_and_no_other(user: User, now: datetime) -> None:  # ACC 22
    here, there = begin(user, now), begin(user, now)
    client = ApiClient()
    client.read(ME, Authorization=f"Bearer {here.access}")

    left = client.send("POST", LOGOUT, Authorization=f"Bearer {here.access}")

    refused = client.send("GET", ME, Authorization=f"Bearer {here.access}")
    assert left.status_code == 204
    assert problem(refused)["code"] == "session_revoked"
    client.read(ME, Authorization=f"Bearer {there.access}")


def test_logging_out_works_twice_and_with_an_expired_token(user: User, now: datetime) -> None:
    pair = begin(user, now)
    client = ApiClient()

    with time_machine.travel(now + timedelta(days=2), tick=True):  # ACC 22
        expired = client.send("GET", ME, Authorization=f"Bearer {pair.access}")
        statuses = [
            client.send("POST", LOGOUT, Authorization=f"Bearer {pair.access}").status_code
            for _ in range(2)
        ]

    assert problem(expired)["code"] == "token_expired"
    assert expired["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert statuses == [204, 204]


def test_a_revoked_session_stays_revoked_when_redis_forgets(user: User, now: datetime) -> None:
    pair = begin(user, now)
    client = ApiClient()
    client.send("POST", LOGOUT, Authorization=f"Bearer {pair.access}")
    with Redis.from_url(settings.REDIS_URL) as store:
        store.flushdb()

    response = client.send("GET", ME, Authorization=f"Bearer {pair.access}")

    assert problem(response)["code"] == "session_revoked"


@pytest.mark.parametrize("emptied", [False, True])
def test_a_reader_that_was_slow_can_not_bring_a_session_back(
    user: User, now: datetime, emptied: bool
) -> None:
    begin(user, now)
    session = UserSession.objects.of(user).get()
    read_before = session.user
    _, epoch, _ = session_cache._look(session.pk)
    assert epoch
    sessions.end_session(session_id=session.pk, reason="test", now=now)
    session_cache.distrust((session.pk,))
    if emptied:
        with Redis.from_url(settings.REDIS_URL) as store:
            store.flushdb()

    session_cache._remember(session.pk, read_before, epoch=epoch)

    assert session_cache.load(session.pk, now=now) is None


def test_a_remembered_person_costs_no_query(
    user: User, now: datetime, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    pair = begin(user, now)
    client = ApiClient()
    client.read(ME, Authorization=f"Bearer {pair.access}")

    with django_assert_num_queries(0):  # type: ignore[operator]
        client.read(ME, Authorization=f"Bearer {pair.access}")


def test_refreshing_rotates(user: User, now: datetime) -> None:
    first = begin(user, now)

    second = sessions.refresh(token=first.refresh, now=now)
    third = sessions.refresh(token=second.refresh, now=now + timedelta(minutes=10))

    assert len({first.refresh, second.refresh, third.refresh}) == 3


def test_two_tabs_get_the_same_successor(user: User, now: datetime) -> None:  # ACC 21
    first = begin(user, now)

    one = sessions.refresh(token=first.refresh, now=now + timedelta(seconds=1))
    two = sessions.refresh(token=first.refresh, now=now + timedelta(seconds=9))

    assert one.refresh == two.refresh
    assert UserSession.objects.count() == 1


def test_reuse_after_the_grace_ends_the_session(user: User, now: datetime) -> None:  # ACC 20
    first = begin(user, now)
    second = sessions.refresh(token=first.refresh, now=now)

    with pytest.raises(TokenReusedError):
        sessions.refresh(token=first.refresh, now=now + REUSE_GRACE + timedelta(seconds=1))

    with pytest.raises(SessionRevokedError):
        sessions.refresh(token=second.refresh, now=now)


def test_reuse_within_the_grace_counts_once_the_successor_is_used(
    user: User, now: datetime
) -> None:
    first = begin(user, now)
    second = sessions.refresh(token=first.refresh, now=now)
    sessions.refresh(token=second.refresh, now=now)

    with pytest.raises(TokenReusedError):
        sessions.refresh(token=first.refresh, now=now)


def test_reuse_ends_the_session_for_good_also_under_an_idempotency_key(
    user: User, now: datetime
) -> None:
    first = begin(user, now)
    sessions.refresh(token=first.refresh, now=now - timedelta(minutes=1))

    response = ApiClient().send(
        "POST", REFRESH, {"refresh": first.refresh}, Idempotency_Key="a-key-of-mine"
    )

    assert problem(response)["code"] == "token_reused"
    assert UserSession.objects.get().end_reason == "refresh token reused"


@pytest.mark.django_db(transaction=True)
def test_a_token_used_by_twenty_at_once_has_one_successor(user: User, now: datetime) -> None:
    first = begin(user, now)

    def attempt(_: int) -> tuple[int, str]:
        response = ApiClient().send("POST", REFRESH, {"refresh": first.refresh})
        connection.close()
        return response.status_code, orjson.loads(response.content).get("refresh", "")

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(attempt, range(20)))

    assert len(answers) == 1
    assert answers.pop()[0] == 200


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_token_of_one_kind_is_none_of_the_other(user: User, now: datetime, kind: str) -> None:
    pair = begin(user, now)  # ACC 8
    client = ApiClient()

    if kind == "access":
        response = client.send("POST", REFRESH, {"refresh": pair.access})
    else:
        response = client.send("GET", ME, Authorization=f"Bearer {pair.refresh}")

    assert problem(response)["code"] == "token_invalid"


def test_a_session_ends_ninety_days_after_signing_in(user: User, now: datetime) -> None:
    first = begin(user, now - timedelta(days=90, seconds=1))
    fresh = first
    for days in range(78, 0, -13):
        fresh = sessions.refresh(token=fresh.refresh, now=now - timedelta(days=days))

    with pytest.raises(SessionRevokedError):
        sessions.refresh(token=fresh.refresh, now=now)


def test_deactivating_stops_a_session_at_its_next_look(user: User, now: datetime) -> None:  # ACC 40
    pair = begin(user, now)
    User.objects.change(user, is_active=False)

    response = ApiClient().send("GET", ME, Authorization=f"Bearer {pair.access}")

    assert problem(response)["code"] == "session_revoked"


def test_the_list_marks_the_session_that_asks(user: User, now: datetime) -> None:  # ACC 23
    begin(user, now)
    client = ApiClient()
    client.sign_in(user)

    items = client.read("/api/v1/users/me/sessions")["items"]

    assert [item["current"] for item in items] == [True, False]
    assert items[0]["device"] == "tests"


def test_last_seen_is_written_once_a_minute(
    user: User, now: datetime, django_assert_num_queries: pytest.FixtureRequest
) -> None:  # ACC 23
    begin(user, now - timedelta(minutes=5))
    session = UserSession.objects.get()

    UserSession.objects.seen(session.pk, now=now)
    UserSession.objects.seen(session.pk, now=now + timedelta(seconds=30))

    session.refresh_from_db()
    assert session.last_seen_at == now


def agent(text: str) -> dict[str, str]:
    return {"user-agent": text}


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("Acme-Importer/2.1 (build 7)", "Acme-Importer/2.1"),
        ("", ""),
        ("x" * 5000, "x" * 60),
    ],
)
def test_a_session_names_its_device(
    anonymous: ApiClient, user: User, sent: str, shown: str
) -> None:
    body = {"email": user.email, "password": PASSWORD}
    anonymous.send("POST", SIGN_IN, body, **agent(sent))  # ACC 23

    assert UserSession.objects.of(user).get().device == shown


def test_the_list_marks_this_session_and_ends_another(api: ApiClient, user: User) -> None:
    other = begin(user, timezone.now())
    listed = api.read(SESSIONS)["items"]  # ACC 23

    assert [item["current"] for item in listed] == [False, True]
    assert api.send("DELETE", f"{SESSIONS}/{listed[0]['id']}").status_code == 204

    bearer = {"authorization": f"Bearer {other.access}"}
    assert problem(ApiClient().send("GET", ME, **bearer))["code"] == "session_revoked"
    assert len(api.read(SESSIONS)["items"]) == 1


def test_a_session_of_somebody_else_is_not_there(
    api: ApiClient, stranger: User, now: datetime
) -> None:
    begin(stranger, now)
    foreign = UserSession.objects.of(stranger).get()

    refused = api.send("DELETE", f"{SESSIONS}/{foreign.pk}")  # ACC 23
    unknown = api.send("DELETE", f"{SESSIONS}/{uuid4()}")

    assert refused.status_code == unknown.status_code == 404
    same = [{**problem(answer), "request_id": ""} for answer in (refused, unknown)]
    assert same[0] == same[1]
    assert UserSession.objects.by_id(foreign.pk).is_open(now=now)


def test_a_session_that_is_over_is_not_there(api: ApiClient, user: User, now: datetime) -> None:
    begin(user, now)
    over = UserSession.objects.of(user).latest("created_at")
    path = f"{SESSIONS}/{over.pk}"

    assert [api.send("DELETE", path).status_code for _ in range(2)] == [204, 404]


def test_all_but_this_one(api: ApiClient, user: User, stranger: User, now: datetime) -> None:
    for person in (user, user, stranger):
        begin(person, now)

    assert api.send("DELETE", SESSIONS).status_code == 204  # ACC 23

    assert [item["current"] for item in api.read(SESSIONS)["items"]] == [True]
    assert UserSession.objects.of(stranger).open(now=now).count() == 1


def test_a_new_device_is_told_and_the_first_and_known_ones_are_not(
    user: User, now: datetime
) -> None:
    for device in ("Firefox on Linux", "Firefox on Linux", "Mobile Safari on iOS"):
        sessions.start_session(user=user, device=device, ip_address="127.0.0.1", now=now)

    told = queued("accounts.tasks:mail_session_notice")

    newest = UserSession.objects.of(user).get(device="Mobile Safari on iOS")
    assert told == [{"template": "new_device", "session_id": str(newest.pk)}]


def test_the_owner_is_told_of_a_reuse_once(user: User, now: datetime) -> None:
    pair = begin(user, now)
    sessions.refresh(token=pair.refresh, now=now)
    later = now + REUSE_GRACE + timedelta(seconds=1)

    with pytest.raises(TokenReusedError):  # ACC 20
        sessions.refresh(token=pair.refresh, now=later)
    with pytest.raises(SessionRevokedError):
        sessions.refresh(token=pair.refresh, now=later)

    assert [mail["template"] for mail in queued("accounts.tasks:mail_session_notice")] == [
        "session_ended"
    ]
