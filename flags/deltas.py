"""Unleash's delta API: what changed since a client's last answer, instead of everything.

A few states that were served stand in memory, by their tag. Who comes with the tag of one of them
gets the difference; who comes with none, or one that is not held here, gets everything (an event
called `hydration`). Either way the client holds the same in the end.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
MOST_STATES = 32

_held: OrderedDict[tuple[str, str], Json] = OrderedDict()
_lock = threading.Lock()


def events(state: Json, *, version: int, tag: str, given: str, whose: str) -> list[dict[str, Any]]:
    """Return what leads from the state tagged `given` to this one, and remember this one.

    `whose` keeps one organization from asking for the difference to another's state.
    """
    with _lock:
        before = _held.get((whose, given))
        _held[whose, tag] = state
        _held.move_to_end((whose, tag))
        while len(_held) > MOST_STATES:
            _held.popitem(last=False)
    if before is None:
        return [_whole(state, version)]
    found = list(_between(before, state))
    return [{"eventId": version, **each} for each in found] or [_whole(state, version)]


def _whole(state: Json, version: int) -> dict[str, Any]:
    told = {"features": state["features"], "segments": state["segments"]}
    return {"type": "hydration", "eventId": version, **told}


def _between(before: Json, after: Json) -> Iterator[dict[str, Any]]:
    """Segments come before the features that need them, and go after those are gone."""
    old, new = _by(before["segments"], "id"), _by(after["segments"], "id")
    for segment in _changed(old, new):
        yield {"type": "segment-updated", "segment": segment}
    features = _by(before["features"], "name"), _by(after["features"], "name")
    for feature in _changed(*features):
        yield {"type": "feature-updated", "feature": feature}
    for name in features[0].keys() - features[1].keys():
        project = features[0][name]["project"]
        yield {"type": "feature-removed", "featureName": name, "project": project}
    for number in old.keys() - new.keys():
        yield {"type": "segment-removed", "segmentId": number}


def _by(given: list[Json], name: str) -> dict[Any, Json]:
    return {each[name]: each for each in given}


def _changed(old: Mapping[Any, Json], new: Mapping[Any, Json]) -> Iterator[Json]:
    return (each for key, each in new.items() if old.get(key) != each)
