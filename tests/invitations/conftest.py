from collections.abc import Iterator
from typing import Any

import pytest

from core import events


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Every event that somebody reacts to, or may, in its order."""
    from invitations import events as ours
    from organizations.events import MemberJoined

    found: list[Any] = []
    kinds = [kind for kind in vars(ours).values() if isinstance(kind, type)]
    kinds = [kind for kind in [*kinds, MemberJoined] if kind.__module__.endswith("s.events")]
    for kind in kinds:
        events.on(kind)(found.append)
    yield found
    for kind in kinds:
        events._handlers[kind].remove(found.append)
