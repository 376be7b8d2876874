"""What clients tell of themselves: that they showed a variant, that a goal was reached.

A client says which flag, never which variant: that is what the rules answer it. A person is
themselves; a key of a whole environment, which servers hold, says who is meant. A tenant's key
tells nothing: it could make up people, in an experiment that is not the tenant's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flags.callers import Caller
from flags.engine import Answer, Context
from flags.experiments import recording
from flags.experiments.models import Conversion, Exposure
from flags.experiments.repositories import Row
from flags.experiments.running import OURS, Running


def may_tell(caller: Caller) -> bool:
    return caller.user is not None or caller.is_trusted


def see(caller: Caller, name: str, answer: Answer, context: Context) -> None:
    """Note what a client is answered about one flag; in memory, as where code asks."""
    running = _running(caller, name)
    if running is not None:
        recording.see(running, answer, context)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a client tells, under an id of its own."""

    id: UUID
    name: str
    """Of a flag or of a goal."""
    context: Mapping[str, Any]


def record_exposures(caller: Caller, told: Iterable[Told], *, now: datetime) -> list[bool]:
    """Store what clients saw; return of each whether an experiment has it, be it from before."""
    rows = [_exposures(caller, each, now) for each in told]
    _add(Exposure.objects.add_seen, rows)
    return [bool(each) for each in rows]


def record_goals(caller: Caller, told: Iterable[Told], *, now: datetime) -> list[bool]:
    """Store what clients reached; return of each whether an experiment looks for it."""
    rows = [_goals(caller, each, now) for each in told]
    _add(Conversion.objects.add_reached, rows)
    return [bool(each) for each in rows]


def _add(add: recording.Add, rows: list[list[Row]]) -> None:
    """Write each row once: one statement takes none twice, and two of a subject are one."""
    every = {row[:3]: row for found in rows for row in found}
    if every:
        add(list(every.values()))


def _exposures(caller: Caller, told: Told, now: datetime) -> list[Row]:
    running = _running(caller, told.name)
    if running is None or not running.is_on(now) or not caller.knows(told.name):
        return []
    context = caller.context(told.context)
    arm = running.arm(caller.rules.answer(told.name, context), context)
    subject = running.subject(context)
    if arm is None or subject is None:
        return []
    return [(running.id, subject, arm, now)]


def _goals(caller: Caller, told: Told, now: datetime) -> list[Row]:
    experiments = caller.snapshot.experiments if caller.snapshot else {}
    wanted = [
        found
        for name, each in experiments.items()
        if told.name in each.goals and each.is_on(now) and (found := _running(caller, name))
    ]
    if not wanted:
        return []
    context = caller.context(told.context)
    named = [(each.id, each.subject(context)) for each in wanted]
    return [(pk, subject, told.name, now) for pk, subject in named if subject is not None]


def _running(caller: Caller, name: str) -> Running | None:
    """Return the experiment on a flag, where this caller may tell something of it."""
    running = caller.snapshot.experiments.get(name) if caller.snapshot else None
    if running is None or not may_tell(caller):
        return None
    return running if caller.is_trusted or running.unit in OURS else None
