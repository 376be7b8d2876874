"""Every event is an entry, or has a reason not to be one."""

import dataclasses
import inspect
from importlib import import_module
from importlib.util import find_spec
from uuid import UUID

import pytest
from django.apps import apps
from django.utils import timezone

from audit import readings
from audit.readings import NOT_RECORDED, READINGS
from core.api.serializers import plain
from core.origin import Door, Origin
from tests.checkout import ROOT

REQUEST = Origin(Door.REQUEST, "r-1", "192.0.2.1", None)
TERMINAL = Origin(Door.TERMINAL, "", None, None)
JOB = Origin(Door.JOB, "r-1", None, None)
OPERATOR_ID = UUID(int=1)
ADMIN = Origin(Door.ADMIN, "r-1", "192.0.2.1", OPERATOR_ID)


def events() -> list[type]:
    """Return every event class of our apps."""
    ours = [app.name for app in apps.get_app_configs() if str(ROOT) in app.path]
    modules = [import_module(f"{name}.events") for name in ours if find_spec(f"{name}.events")]
    return [
        found
        for module in modules
        for found in vars(module).values()
        if inspect.isclass(found)
        and dataclasses.is_dataclass(found)
        and found.__module__ == module.__name__
    ]


def test_there_is_something_to_look_at() -> None:
    assert len([found for found in events() if found.__module__ == "organizations.events"]) > 15
    assert len([found for found in events() if found.__module__ == "accounts.events"]) > 10


@pytest.mark.parametrize("event", events())
def test_every_event_is_recorded_or_has_a_reason_not_to_be(event: type) -> None:  # PLT 18
    recorded, reason = event in READINGS, NOT_RECORDED.get(event, "")

    assert recorded or reason, f"audit/readings.py does not say how {event.__name__} reads"
    assert not (recorded and reason), event


@pytest.mark.parametrize("event", READINGS)
def test_a_reading_names_fields_that_the_event_has(event: type) -> None:
    reading, fields = READINGS[event], {f.name: f for f in dataclasses.fields(event)}

    named = {reading.target.field, *reading.shows, *reading.changes, reading.within}
    assert named - {None} <= fields.keys()
    for name in reading.changes:
        assert str(fields[name].type).startswith("tuple["), f"{name} is no pair of before and after"
    if reading.by is readings.named:
        assert "actor_id" in fields
    if reading.by is readings.owner:
        assert "user_id" in fields


def test_no_two_events_read_alike() -> None:
    actions = [reading.action for reading in READINGS.values()]

    assert len(set(actions)) == len(actions)
    assert all(len(action) <= 64 and action.count(".") == 1 for action in actions)


@dataclasses.dataclass
class Event:
    user_id: UUID
    actor_id: UUID | None


SOMEBODY, PERSON = UUID(int=2), UUID(int=3)


@pytest.mark.parametrize(
    ("by", "actor_id", "origin", "expected"),
    [
        (readings.named, SOMEBODY, REQUEST, ("user", SOMEBODY)),
        (readings.named, SOMEBODY, TERMINAL, ("user", SOMEBODY)),
        (readings.named, None, TERMINAL, ("operator", None)),
        (readings.named, None, ADMIN, ("operator", OPERATOR_ID)),
        (readings.named, None, JOB, ("system", None)),
        (readings.named, None, REQUEST, ("system", None)),
        (readings.owner, None, REQUEST, ("user", PERSON)),
        (readings.owner, None, ADMIN, ("operator", OPERATOR_ID)),
        (readings.owner, None, TERMINAL, ("operator", None)),
        (readings.owner, None, JOB, ("system", None)),
        (readings.nobody, SOMEBODY, REQUEST, ("system", None)),
        (readings.clock, SOMEBODY, REQUEST, ("system", None)),
        (readings.clock, None, TERMINAL, ("system", None)),
        (readings.clock, None, ADMIN, ("system", None)),
    ],
)
def test_who_it_was(
    by: object, actor_id: UUID | None, origin: Origin, expected: tuple[str, UUID | None]
) -> None:
    assert by(Event(PERSON, actor_id), origin) == expected  # type: ignore[operator]


def test_what_json_has_of_a_value() -> None:
    moment = timezone.now()

    assert plain((PERSON, (moment, None, True, 1, "a"))) == [
        str(PERSON),
        [moment.isoformat(timespec="microseconds")[:-6] + "Z", None, True, 1, "a"],
    ]
