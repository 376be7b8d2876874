from datetime import datetime
from typing import Any

import pytest
from django.conf import settings as configured
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from accounts import session_cache
from accounts.models import User, UserSession
from core import ratelimits, redis
from core.embedded.valkey import Valkey
from core.redis import EPOCH, StoreUnavailableError
from tests.client import ApiClient, problem

ME = "/api/v1/users/me"
LOGOUT = "/api/v1/auth/logout"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def fill_up() -> None:
    """Let the store refuse every write, as seen by nobody of ours yet."""
    with Redis.from_url(configured.REDIS_URL) as administrator:
        administrator.config_set("maxmemory-policy", "noeviction")
        administrator.config_set("maxmemory", "1")


def notice_it() -> None:
    """Open this process's breaker."""
    with pytest.raises(StoreUnavailableError):
        redis.call(lambda client: client.set("anything", "new"))


@pytest.mark.parametrize("noticed", [False, True])
def test_a_revoked_session_is_over_for_every_process_while_the_store_is_full(
    private_valkey: Valkey, api: ApiClient, user: User, now: datetime, noticed: bool
) -> None:  # ACC 22
    api.read(ME)
    session = UserSession.objects.get()
    fill_up()
    if noticed:
        notice_it()
    else:
        entry, epoch, _ = session_cache._look(session.pk)  # what the store holds is still believed
        assert entry is not None
        assert epoch is not None
        assert entry.startswith(epoch)

    assert api.send("POST", LOGOUT).status_code == 204

    redis.store().breaker.close()  # as it is in a process that has written nothing since
    assert problem(api.send("GET", ME))["code"] == "session_revoked"
    assert session_cache.load(session.pk, now=now) is None
    with Redis.from_url(configured.REDIS_URL) as store:
        assert store.get(session_cache._key(session.pk)) is None


def test_ending_a_session_waits_for_no_store_that_is_away(
    private_valkey: Valkey, api: ApiClient
) -> None:
    api.read(ME)
    private_valkey.stop()

    assert api.send("POST", LOGOUT).status_code == 204

    assert problem(api.send("GET", ME))["code"] == "session_revoked"


def test_an_entry_counts_again_soon_after_a_new_epoch_began(
    api: ApiClient, django_assert_num_queries: Any
) -> None:
    api.read(ME)
    with Redis.from_url(configured.REDIS_URL) as store:
        store.delete(EPOCH)
    api.read(ME)  # asks the database, and replaces what is of the old epoch

    with django_assert_num_queries(0):
        api.read(ME)


def test_a_session_that_is_over_uses_up_nobodys_limit(
    api: ApiClient, user: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"user": "4/60"}
    api.read(ME)  # from now on it is remembered
    assert api.send("POST", LOGOUT).status_code == 204
    for _ in range(5):
        assert problem(api.send("GET", ME))["code"] == "session_revoked"

    verdict = ratelimits.hit("user", str(user.pk))

    assert verdict is not None
    assert verdict.remaining == 2  # the one answer, and this


def test_beyond_the_limit_a_remembered_session_is_refused(
    api: ApiClient, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"user": "3/60"}
    api.read(ME)

    answers = [api.send("GET", ME) for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 429, 429]
    assert [each.headers["RateLimit"].split(";")[1] for each in answers] == [
        *("r=1", "r=0", "r=0", "r=0")
    ]
