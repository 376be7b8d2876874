import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from core import redis
from core.embedded.state import free_port
from core.embedded.valkey import Valkey
from tests.core.jobs.queues import empty_queue


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is true that no event tells."""

    def wait(is_true: Callable[[], bool], *, patience_seconds: float = 20.0) -> None:
        deadline = time.monotonic() + patience_seconds
        while not is_true():
            assert time.monotonic() < deadline, "it never became true"
            time.sleep(0.01)

    return wait


@pytest.fixture
def private_valkey(
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Valkey]:
    """A store for one test to kill, stop and fill; the product talks to it during the test."""
    home: Path = tmp_path_factory.mktemp("valkey")
    home.chmod(0o755)  # root's servers run as `nobody`
    server = Valkey(home, durable=False)
    server.start(free_port())
    settings.REDIS_URL = f"redis://127.0.0.1:{server.port}/0"
    monkeypatch.setattr("core.breaker.REST_SECONDS", 0.05)
    yield server
    server.stop()
    # Its port may be another test's tomorrow, which should not begin with an open breaker.
    redis.store().close()
    del redis._stores[settings.REDIS_URL]


@pytest.fixture
def persistent_valkey(private_valkey: Valkey) -> Valkey:
    """The private store, writing down what it holds: it comes back with all of it."""
    private_valkey.stop()
    private_valkey.durable = True
    private_valkey.start(private_valkey.port)
    return private_valkey


@pytest.fixture
def queue(transactional_db: None) -> Generator[None]:
    """An empty queue that other processes see too."""
    empty_queue()
    yield
    empty_queue()
