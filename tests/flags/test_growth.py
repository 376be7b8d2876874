"""What thousands of flags cost beside what each does."""

import gc
import threading
from typing import Any

import pytest

from core.garbage import uncollected
from flags.documents import snapshot

MANY = 2_000


def document(count: int) -> dict[str, Any]:
    rollout = {"name": "flexibleRollout", "parameters": {"rollout": "25"}, "constraints": []}
    allowed = {"userId": ["u1", "u2"]}
    flags = [
        {"name": f"f{number}", "enabled": True, "strategies": [rollout], "allowed": allowed}
        for number in range(count)
    ]
    return {"version": 1, "flags": flags}


@pytest.fixture
def collections() -> Any:
    """Count how often the collector begins."""
    begun: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            begun.append(info["generation"])

    gc.callbacks.append(note)
    yield begun
    gc.callbacks.remove(note)


def test_nothing_is_collected_while_flags_are_compiled(collections: list[int]) -> None:
    given = document(MANY)
    gc.collect()
    collections.clear()

    made = snapshot("production", given)

    assert len(made.rules) == MANY
    assert len(collections) <= 1  # the one that waited
    assert gc.isenabled()


def test_a_document_that_breaks_leaves_the_collector_on() -> None:
    with pytest.raises(TypeError):
        snapshot("production", {"version": 1, "overrides": 7})

    assert gc.isenabled()


def test_two_who_hold_it_at_once_leave_the_collector_on() -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with uncollected():
            entered.set()
            leave.wait(10)

    first = threading.Thread(target=hold)
    first.start()
    entered.wait(10)
    with uncollected():
        assert not gc.isenabled()
        leave.set()
        first.join()
    assert gc.isenabled()
