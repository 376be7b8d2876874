from collections.abc import Generator

import pytest

from tests.core.jobs.queues import empty_queue


@pytest.fixture
def queue(transactional_db: None) -> Generator[None]:
    """An empty queue that other processes see too."""
    empty_queue()
    yield
    empty_queue()
