from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import timezone
from redis import Redis
from structlog.contextvars import clear_contextvars

from accounts import passwords
from accounts.models import User
from accounts.services import registration
from organizations.models import Organization
from organizations.services import lifecycle
from tests.client import ApiClient

PASSWORD = "an honest lamp post"


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Drop no database: the whole server of the run goes, and a thread may still be connected."""
    return True


@pytest.fixture(scope="session", autouse=True)
def flushes_leave_nothing() -> Iterator[None]:
    """Let the flush after a transactional test empty the audit log and the queue as well.

    The database itself refuses the first, as everywhere: the flush asks as our own erasures do. Of
    the second, whose tables are not Django's to manage, the flush knows nothing.
    """
    flush = DatabaseOperations.sql_flush

    def permitted(self: Any, *args: Any, **options: Any) -> list[str]:
        first = ["SET LOCAL audit.erasing = 'on'", "TRUNCATE procrastinate_jobs CASCADE"]
        return [*first, *flush(self, *args, **options)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", permitted)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_are_found_when_asked_for() -> None:
    """Spare every test client the listing of all static files, a sixth of the tests' time."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def empty_store() -> None:
    """Begin every test with nothing in the store: no limits used up, nothing cached."""
    with Redis.from_url(settings.REDIS_URL, socket_timeout=30) as client:
        client.flushdb()


@pytest.fixture(autouse=True)
def empty_log_context() -> None:
    """Forget what a request of the test before bound; a server gives each request its own."""
    clear_contextvars()


@pytest.fixture
def user(db: None) -> User:
    return make_user("uma@example.com")


@pytest.fixture
def stranger(db: None) -> User:
    return make_user("sam@example.com")


@pytest.fixture
def anonymous(db: None) -> ApiClient:
    return ApiClient()


@pytest.fixture
def api(user: User) -> ApiClient:
    """A client that is signed in as `user`."""
    client = ApiClient()
    client.sign_in(user)
    return client


@pytest.fixture
def acme(user: User) -> Organization:
    """An organization whose owner is `user`."""
    return lifecycle.create(owner=user, name="Acme", slug="acme", now=timezone.now())


@pytest.fixture
def globex(stranger: User) -> Organization:
    """An organization whose owner is `stranger`, and where `user` is not known."""
    return lifecycle.create(owner=stranger, name="Globex", slug="globex", now=timezone.now())


_hashed = cache(passwords.hashed)


def make_user(email: str, *, verified: bool = True, staff: bool = False) -> User:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hashed", _hashed)  # once a run: it was a third of the tests' time
        return registration.create_account(
            email=email,
            password=PASSWORD,
            full_name="Uma User",
            verified=verified,
            staff=staff,
            now=timezone.now(),
        )
