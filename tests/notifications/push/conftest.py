from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from core.outbound.addresses import network
from tests.recorder import Recorder, recording


@pytest.fixture
def service(settings: LazySettings) -> Iterator[Recorder]:
    """A push service that records, within what the operator allows."""
    with recording() as running:
        settings.OUTBOUND_ALLOW = [network("127.0.0.0/8")]
        settings.OUTBOUND_PORTS = [running.port]
        yield running
