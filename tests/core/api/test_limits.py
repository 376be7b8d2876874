# PLT 9: limits over HTTP, with real server processes that share one store.

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from accounts.models import User
from core.redis import KEY_PREFIX, Client, call
from tests.client import ApiClient, problem
from tests.servers import Server, running

ME = "/api/v1/users/me"
REGISTER = "/api/v1/auth/register"
LIMITS = '{"address": "10/3600", "register": "10/60"}'
LOWERED = '{"address": "10/3600", "register": "3/60"}'


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """Two processes; the second has heard already that fewer registrations are wanted."""
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(logs / "first", RATE_LIMITS=LIMITS) as first,
        running(logs / "second", RATE_LIMITS=LOWERED) as second,
    ):
        yield first, second


@pytest.mark.server
def test_of_a_hundred_at_once_two_processes_let_ten_through(
    servers: tuple[Server, Server],
) -> None:
    together = threading.Barrier(100)

    def attempt(number: int) -> Any:
        together.wait()
        return servers[number % 2].get(ME)

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(attempt, range(100)))

    assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 90}
    remaining = [limit(answer)["r"] for answer in answers if answer.status_code == 401]
    assert sorted(remaining) == list(range(10))
    for answer in answers:
        assert answer.headers["RateLimit-Policy"] == '"address";q=10;w=3600'
        if answer.status_code == 429:
            assert answer.json()["code"] == "rate_limited"
            assert 1 <= int(answer.headers["Retry-After"]) <= 3600


@pytest.mark.server
def test_waiting_as_told_is_enough(servers: tuple[Server, Server]) -> None:
    fill(servers[0])
    refused = servers[0].post(REGISTER, json={})
    assert refused.status_code == 429
    seconds = int(refused.headers["Retry-After"])
    assert seconds == limit(refused)["t"]

    pass_time(seconds)

    assert servers[0].post(REGISTER, json={}).status_code == 400


@pytest.mark.server
def test_waiting_as_told_is_enough_after_the_limit_was_lowered(
    servers: tuple[Server, Server],
) -> None:
    fill(servers[0])
    lowered = servers[1]
    refused = lowered.post(REGISTER, json={})
    assert refused.status_code == 429
    assert limit(refused)["r"] == 0
    seconds = int(refused.headers["Retry-After"])

    pass_time(seconds - 5)
    assert lowered.post(REGISTER, json={}).status_code == 429
    pass_time(5)

    assert lowered.post(REGISTER, json={}).status_code == 400


@pytest.mark.server
def test_probes_are_not_counted(servers: tuple[Server, Server]) -> None:
    for _ in range(12):
        answer = servers[0].get("/health/live")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", ME, 200),
        ("POST", ME, 405),
        ("GET", f"{ME}/sessions?nonsense=1", 400),
        ("GET", "/api/v1/nowhere", 404),
        ("OPTIONS", ME, 204),
    ],
)
def test_every_limited_answer_tells_how_much_is_left(
    api: ApiClient, method: str, path: str, status: int
) -> None:
    answer = api.send(method, path)

    assert answer.status_code == status
    assert re.fullmatch(r'"(user|address)";q=\d+;w=60', answer["RateLimit-Policy"])
    assert re.fullmatch(r'"(user|address)";r=\d+;t=\d+', answer["RateLimit"])


@pytest.mark.parametrize("token", ["", "Bearer nonsense"])
def test_a_caller_who_is_nobody_is_told_too(anonymous: ApiClient, token: str) -> None:
    answer = anonymous.send("GET", ME, **({"Authorization": token} if token else {}))

    assert answer.status_code == 401
    assert answer["RateLimit"] == '"address";r=119;t=60'


@override_settings(ROOT_URLCONF="tests.core.api.test_exceptions")
def test_a_bug_is_limited_like_anything_else(anonymous: ApiClient) -> None:
    answer = anonymous.send("GET", "/api/v1/broken")

    assert answer.status_code == 500
    assert answer["RateLimit"] == '"address";r=119;t=60'


def test_people_behind_one_address_are_counted_apart(
    api: ApiClient, stranger: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"user": "1/60"}
    other = ApiClient()
    other.sign_in(stranger)
    api.read(ME)

    refused = api.send("GET", ME)

    assert problem(refused)["code"] == "rate_limited"
    assert refused["Retry-After"] == "60"
    assert other.read(ME)["id"] == str(stranger.pk)


def limit(answer: Any) -> dict[str, int]:
    pairs = answer.headers["RateLimit"].split(";")[1:]
    return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}


def fill(server: Server) -> None:
    """Use up the ten registrations, five seconds apart."""
    for _ in range(10):
        assert server.post(REGISTER, json={}).status_code == 400
        pass_time(5)


def pass_time(seconds: int) -> None:
    """Let what the store has counted be so much older."""
    call(lambda client: age(client, seconds))


def age(client: Client, seconds: int) -> None:
    for key in client.scan_iter(f"{KEY_PREFIX}limit:*"):
        for place, stamp in enumerate(client.lrange(key, 0, -1)):
            client.lset(key, place, str(int(stamp) - seconds * 1_000_000))
