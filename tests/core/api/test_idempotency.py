from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from threading import Event
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, UserSession
from core.api import idempotency
from core.models import IdempotentAnswer
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD

SIGN_IN = "/api/v1/auth/token"
REGISTER = "/api/v1/auth/register"
KEY = "a-key-of-the-caller"


def credentials(user: User) -> dict[str, str]:
    return {"email": user.email, "password": PASSWORD}


def test_a_repeated_request_gets_the_first_answer(anonymous: ApiClient, user: User) -> None:
    first = anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)  # PLT 10

    second = anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)

    assert second.status_code == first.status_code == 200
    assert second.content == first.content
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert UserSession.objects.of(user).count() == 1


def test_a_refusal_is_replayed_too(anonymous: ApiClient) -> None:  # PLT 10
    body = {"email": "new@example.com", "password": "short"}
    first = anonymous.send("POST", REGISTER, body, Idempotency_Key=KEY)

    second = anonymous.send("POST", REGISTER, body, Idempotency_Key=KEY)

    assert first.status_code == second.status_code == 400
    assert second["Content-Type"] == "application/problem+json"
    assert second.content == first.content


def test_another_body_under_the_same_key_is_refused(anonymous: ApiClient, user: User) -> None:
    anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)  # PLT 10

    other = {"email": user.email, "password": "something else"}
    response = anonymous.send("POST", SIGN_IN, other, Idempotency_Key=KEY)

    assert response.status_code == 422
    assert problem(response)["code"] == "idempotency_mismatch"


def test_a_key_is_the_callers_own(anonymous: ApiClient, user: User) -> None:  # PLT 10
    anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)

    elsewhere = ApiClient(REMOTE_ADDR="192.0.2.7")
    response = elsewhere.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)

    assert "Idempotent-Replayed" not in response
    assert UserSession.objects.of(user).count() == 2


def test_two_tokens_are_two_callers(anonymous: ApiClient, user: User) -> None:  # PLT 10
    sign_out, tokens = "/api/v1/auth/logout", []
    for _ in range(2):
        tokens.append(anonymous.sign_in(user).access)
    answers = [
        anonymous.send("POST", sign_out, Idempotency_Key=KEY, Authorization=f"Bearer {token}")
        for token in tokens
    ]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert not UserSession.objects.of(user).open(now=timezone.now()).exists()


@pytest.mark.parametrize("key", ["short", "a" * 256, "with blank inside", "ünicode-key"])
def test_a_malformed_key_is_refused(anonymous: ApiClient, key: str) -> None:  # PLT 10
    response = anonymous.send("POST", SIGN_IN, {}, Idempotency_Key=key)

    assert response.status_code == 400


def test_a_wrong_password_is_not_remembered(anonymous: ApiClient, user: User) -> None:
    wrong = {"email": user.email, "password": "not this one"}

    anonymous.send("POST", SIGN_IN, wrong, Idempotency_Key=KEY)

    assert not IdempotentAnswer.objects.exists()


def test_an_answer_is_forgotten_after_a_day(anonymous: ApiClient, user: User) -> None:
    anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)
    yesterday = timezone.now() - idempotency.KEPT_FOR - timedelta(seconds=1)
    IdempotentAnswer.objects.update(created_at=yesterday)

    response = anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)

    assert "Idempotent-Replayed" not in response
    assert IdempotentAnswer.objects.count() == 1


def test_what_rests_in_the_database_can_not_be_used(anonymous: ApiClient, user: User) -> None:
    response = anonymous.send("POST", SIGN_IN, credentials(user), Idempotency_Key=KEY)
    refresh = orjson.loads(response.content)["refresh"]

    sealed = bytes(IdempotentAnswer.objects.get().sealed)
    assert refresh.encode() not in sealed
    assert KEY.encode() not in sealed


@pytest.mark.django_db(transaction=True)
def test_while_the_first_runs_the_second_is_told_at_once() -> None:  # PLT 10
    taken, release = Event(), Event()
    scope = b"a" * 32

    def first() -> None:
        with transaction.atomic():
            IdempotentAnswer.objects.try_lock(scope)
            taken.set()
            release.wait(10)
        connection.close()

    with ThreadPoolExecutor() as pool:
        running = pool.submit(first)
        taken.wait(10)
        with transaction.atomic():
            assert not IdempotentAnswer.objects.try_lock(scope)
        release.set()
        running.result()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_effect() -> None:  # PLT 10
    body = {"email": "many@example.com", "password": "an honest lamp post"}

    def attempt(_: int) -> Any:
        response = ApiClient().send("POST", REGISTER, body, Idempotency_Key=KEY)
        connection.close()
        return response.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(16)))

    assert set(statuses) <= {202, 409}
    assert 202 in statuses
    assert User.objects.count() == 1
    assert IdempotentAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_running_first_is_answered_409_with_a_time_to_wait(user: User) -> None:  # PLT 10
    taken, release = Event(), Event()

    def hold_the_account() -> None:
        with transaction.atomic():
            User.objects.locked().by_id(user.pk)
            taken.set()
            release.wait(10)
        connection.close()

    def register() -> Any:
        body = {"email": user.email, "password": PASSWORD}
        response = ApiClient().send("POST", REGISTER, body, Idempotency_Key=KEY)
        connection.close()
        return response

    with ThreadPoolExecutor() as pool:
        holder = pool.submit(hold_the_account)
        taken.wait(10)
        both = {pool.submit(register), pool.submit(register)}
        # One waits for the account; the other has to be answered before that one can be.
        refused = next(as_completed(both)).result()
        release.set()
        holder.result()
        statuses = sorted(attempt.result().status_code for attempt in both)

    assert problem(refused)["code"] == "idempotency_in_progress"
    assert refused["Retry-After"] == "1"
    assert statuses == [202, 409]
