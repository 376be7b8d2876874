"""OFREP's event stream: browsers are told to ask again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import time_machine
from django.utils import timezone

from accounts.errors import TokenInvalidError
from flags.event_streams import environment_of
from flags.services import keys
from tests.client import ApiClient
from tests.flags.conftest import AUTHOR, change_rules, make_flag
from tests.servers import Server, running

ALL = "/ofrep/v1/evaluate/flags"
BODY = {"context": {"targetingKey": "k"}}


@contextmanager
def listening(server: Server, uri: str) -> Iterator[Iterator[str]]:
    with httpx2.stream("GET", server.base + uri, timeout=10, trust_env=False) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield (line for line in answer.iter_lines() if line.startswith("data"))


def address(answer: Any) -> str:
    (stream,) = answer["eventStreams"]
    assert stream["type"] == "sse"
    return str(stream["endpoint"]["requestUri"])


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_who_listens_is_told_to_ask_again(tmp_path: Path) -> None:  # FLG 26
    make_flag()
    key, secret, _ = keys.create(name="k", environment="production", author=AUTHOR)
    headers = {"Authorization": f"Bearer {secret}"}
    with running(tmp_path / "log", FLAGS_POLL_S="600") as server:
        uri = address(server.post(ALL, json=BODY, headers=headers).json())
        with listening(server, uri) as said:
            change_rules(enabled=False)

            assert next(said) == 'data: {"type":"refetchEvaluation"}'
            again = server.post(ALL, json=BODY, headers=headers).json()
            assert again["flags"][0]["value"] is False
            assert address(again) == uri  # a client given another would connect anew

            assert server.get(uri + "x").status_code == 401
            keys.revoke(key_id=key.pk, author=AUTHOR, now=timezone.now())
            assert server.get(uri).status_code == 401
            assert server.post(uri).status_code == 405
            assert server.stop() == 0  # whoever listens is let go
            assert list(said) == []


def test_a_pass_holds_until_the_end_of_the_next_day(anonymous: ApiClient) -> None:
    make_flag()
    _, secret, _ = keys.create(name="k", environment="staging", author=AUTHOR)
    client = anonymous.defaults | {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    anonymous.defaults = client
    uri = address(anonymous.send("POST", ALL, BODY).json())
    given = httpx2.URL(uri).params["pass"]

    assert environment_of(given) == "staging"
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert environment_of(given) == "staging"
    with time_machine.travel(timezone.now() + timedelta(days=2)), pytest.raises(TokenInvalidError):
        environment_of(given)
    assert anonymous.send("GET", uri).status_code == 503  # without the ASGI server
