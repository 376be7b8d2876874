from collections.abc import Iterator

import pytest

from accounts.models import User
from tests.browser import Chromium, chromium
from tests.conftest import make_user


@pytest.fixture
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


@pytest.fixture
def uma() -> User:
    return make_user("uma@example.com")
