from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from redis import Redis

from accounts import session_cache
from accounts.models import User, UserSession
from core import redis
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
    with Redis.from_url(settings.REDIS_URL) as administrator:
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
        entry, epoch = session_cache._look(session.pk)  # what the store holds is still believed
        assert entry is not None
        assert epoch is not None
        assert entry.startswith(epoch)

    assert api.send("POST", LOGOUT).status_code == 204

    redis.store().breaker.close()  # as it is in a process that has written nothing since
    assert problem(api.send("GET", ME))["code"] == "session_revoked"
    assert session_cache.load(session.pk, now=now) is None
    with Redis.from_url(settings.REDIS_URL) as store:
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
    with Redis.from_url(settings.REDIS_URL) as store:
        store.delete(EPOCH)
    api.read(ME)  # asks the database, and replaces what is of the old epoch

    with django_assert_num_queries(0):
        api.read(ME)
