"""How many statements an answer costs, and that it does not grow with the rows."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from accounts.models import User
from tests.client import ApiClient
from tests.core.api.test_pagination import add_sessions

ME = "/api/v1/users/me"
SESSIONS = "/api/v1/users/me/sessions"
COLD = 2
"""Statements that find out who asks, where the session is not remembered."""


def statements(api: ApiClient, path: str, *, cold: bool) -> int:
    if cold:
        with Redis.from_url(settings.REDIS_URL) as store:
            store.flushdb()
    else:
        api.read(ME)
    with CaptureQueriesContext(connection) as captured:
        api.read(path)
    return len(captured)


def test_who_am_i_costs_nothing_warm_and_two_statements_cold(api: ApiClient) -> None:
    assert statements(api, ME, cold=False) == 0
    assert statements(api, ME, cold=True) == COLD


@pytest.mark.parametrize("rows", [1, 20, 100])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?page_size=100", 1),
        ("?search=tests", 2),
        ("?search=tests&ordering=last_seen_at", 2),
        ("?cursor=&page_size=100", 1),
        ("?cursor=&search=tests", 1),
        ("?cursor=&ordering=-last_seen_at,created_at", 1),
    ],
)
def test_a_list_costs_the_same_for_one_row_or_a_hundred(
    api: ApiClient, user: User, query: str, expected: int, rows: int
) -> None:
    add_sessions(user, rows - 1, device="tests")

    found: Any = {cold: statements(api, SESSIONS + query, cold=cold) for cold in (False, True)}

    assert found == {False: expected, True: expected + COLD}
