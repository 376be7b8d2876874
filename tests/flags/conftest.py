from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from flags import complaints, snapshots, usage
from flags.models import Flag, FlagRules
from flags.services import definitions, rules
from flags.services.changes import Author, Source

AUTHOR = Author(None, "a test", Source.COMMAND)


@pytest.fixture(autouse=True)
def nothing_known(settings: Any) -> Iterator[None]:
    """Begin with no snapshot, and let no thread follow: it would not see a test's transaction."""
    settings.FLAGS_POLL_S = 0
    settings.FLAGS_SNAPSHOT = ""
    snapshots.forget()
    complaints.forget()
    usage.take()
    yield
    snapshots.forget()


def make_flag(name: str = "lamp", *, settings: Any = None, **fields: Any) -> Flag:
    """Make a flag that is on, with these rules."""
    flag = definitions.create(name=name, author=AUTHOR, now=timezone.now(), **(settings or {}))
    change_rules(name, **{"enabled": True, **fields})
    return flag


def change_rules(name: str = "lamp", **fields: Any) -> FlagRules:
    return rules.change(name=name, author=AUTHOR, now=timezone.now(), **fields)


def share(percentage: str, **more: Any) -> dict[str, Any]:
    """Return a strategy for a percentage of the users."""
    parameters = {"rollout": percentage, "stickiness": "default", "groupId": "lamp"}
    return {"name": "flexibleRollout", "parameters": parameters, **more}


def state(*features: dict[str, Any], segments: Any = ()) -> dict[str, Any]:
    """Return what Unleash's client API serves."""
    return {"version": 2, "features": list(features), "segments": list(segments)}
