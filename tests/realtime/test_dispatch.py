"""What a line lets go of."""

import gc
import weakref
from typing import Any

import pytest

from realtime.dispatch import Line


class Consumer:
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.line = Line(self.hear, overflowed=self.fall_behind, messages=10, size=1_000)

    async def hear(self, message: dict[str, Any]) -> None:
        self.heard.append(message)

    def fall_behind(self) -> None: ...


@pytest.fixture
def _only_counted() -> Any:
    """Nothing is freed but what nobody refers to any more."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_only_counted")
def test_a_consumer_that_is_gone_is_freed_at_once() -> None:
    """Sockets come and go faster than the collector looks for circles."""
    consumer = Consumer()
    consumer.line.put({"type": "said"})
    assert consumer.heard == [{"type": "said"}]

    consumer.line.close()
    freed = weakref.ref(consumer)
    del consumer

    assert freed() is None
