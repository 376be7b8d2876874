from collections.abc import Callable, Iterator

import pytest

from accounts.models import User
from organizations.models import Organization
from tests.conftest import make_user
from tests.core.conftest import eventually as eventually
from tests.servers import Server, running
from tests.tenants import found

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(logs / "here", RATE_LIMITS="{}") as here,
        running(logs / "there", RATE_LIMITS="{}") as there,
    ):
        yield here, there


@pytest.fixture(scope="module")
def rooms(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A product with an app of its own: channels `room:<id>`, where clients speak."""
    command = ["-m", "tests.realtime.rooms.serve", "--port", "{port}", "--exit-with-parent"]
    log = tmp_path_factory.mktemp("logs") / "rooms"
    with running(log, command=command, RATE_LIMITS="{}") as server:
        yield server


@pytest.fixture
def uma() -> User:
    return make_user("uma@example.com")


@pytest.fixture
def acme(uma: User) -> Organization:
    return found("Acme", uma)
